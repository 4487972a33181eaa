"""The application: made from settings alone, it opens its own database and closes it."""

import asyncio
from pathlib import Path

from service.api.app import create_app
from service.config import Settings
from service.storage import Database
from tests.support.serving import Client


def test_an_application_without_a_database_opens_that_of_its_settings(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    database = Database(settings.database_url)
    database.migrate()
    database.close()
    app = create_app(settings)

    async def live() -> None:
        async with app.router.lifespan_context(app):
            client = await asyncio.to_thread(Client, app)
            answer = await asyncio.to_thread(client.get, "/v1/models")
            assert answer.json() == {"items": [], "next_cursor": None}
            await asyncio.to_thread(client.close)

    asyncio.run(live())
