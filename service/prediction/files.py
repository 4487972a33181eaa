"""Files of tables predicted: a table in any of their forms becomes a file with a row of outputs for each row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from service.config import Limits
from service.data.features.inputs import kept_texts, text_columns, written_numbers
from service.data.tables import Table
from service.errors import Finding, Findings
from service.formats.csv.dialect import Dialect
from service.formats.csv.parsing import gap_words
from service.formats.csv.streams import Readable
from service.formats.downloads import encode_tables
from service.formats.spreadsheets.kinds import SPREADSHEETS
from service.formats.tables import ARROW, CSV, read_batches, write_table
from service.prediction.outputs import Asked
from service.prediction.tables import TablePrediction
from service.prediction.versions import LoadedVersion


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """A request to predict the table in a file."""

    loaded: LoadedVersion
    asked: Asked
    include: Sequence[str]
    """Columns to repeat before the outputs."""
    dialect: Dialect
    """How a CSV is written, as far as it is known."""
    limits: Limits
    shows_formulas: bool = False
    """Whether a CSV shows what a spreadsheet would calculate."""

    def answer(self, file: Path, text: Readable | None, media_type: str, wanted: str) -> tuple[BinaryIO, list[Finding]]:
        """Returns the predictions as an open file of the `wanted` media type, and what was guessed about the table.

        `Invalid` with the columns and cells that are wrong. `text` is the stream of a CSV that is still arriving.
        What is written lies beside the file.
        """
        findings = Findings(limit=self.limits.max_errors_shown)
        tables = self._read(file, text, media_type, findings)
        first = next(tables)
        prediction = TablePrediction(self.loaded, self.asked, first.kinds, findings, include=self.include, at="")
        findings.raise_errors()
        answer = file.with_suffix(".answer")
        counted = self._counted(chain([first], tables), prediction)
        with answer.open("wb") as target:
            answers = prediction.answers(counted, findings)
            target.writelines(encode_tables(answers, wanted, shows_formulas=self.shows_formulas))
        return answer.open("rb"), findings.warnings

    def _read(self, file: Path, text: Readable | None, media_type: str, findings: Findings) -> Iterator[Table]:
        encoder = self.loaded.encoder
        if media_type in (CSV, *SPREADSHEETS):
            # What a column of texts or cells holds is known when all of it was read.
            written = file.with_suffix(".arrow")
            for guess in write_table(file, media_type, written, self.limits, self._known_dialect(), arriving=text):
                if guess.code == "unclear_thousands":  # these rows say less than all that the version learned from
                    findings.error(guess.pointer, guess.code, guess.detail)
                else:
                    findings.warnings.append(guess)
            findings.raise_errors()
            file, media_type = written, ARROW
        return map(Table.of_batch, read_batches(file, media_type, self.limits, encoder.wanted(self.include)))

    def _known_dialect(self) -> Dialect:
        """Returns the dialect of a CSV: what the request says, and what follows from the columns of the version."""
        encoder = self.loaded.encoder
        if not encoder.has_names:
            return self.dialect
        return replace(
            self.dialect,
            texts=text_columns(encoder),
            known=frozenset((*encoder.names, *encoder.others, *self.include)),
            kept=kept_texts(encoder, (*gap_words(), *self.dialect.gaps)),
            written={} if self.dialect.decimal or self.dialect.thousands else written_numbers(encoder),
        )

    def _counted(self, tables: Iterable[Table], prediction: TablePrediction) -> Iterator[Table]:
        rows = 0
        for table in tables:
            rows += table.rows
            prediction.check_size(rows, self.limits)
            yield table
