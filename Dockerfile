FROM python:3.13-slim AS build

WORKDIR /build
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps -r requirements.txt
COPY service service
COPY migrations migrations
# unchecked: nothing edits the sources in an image, and a copy may change their times
RUN python -m compileall -q --invalidation-mode unchecked-hash service migrations

FROM python:3.13-slim

RUN groupadd --gid 10001 fitd \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin fitd \
    && install --directory --owner 10001 --group 10001 --mode 0750 /data
WORKDIR /app
COPY LICENSE ./
COPY --from=build /opt/venv /opt/venv
COPY --from=build /build/service service
COPY --from=build /build/migrations migrations

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FITD_DATA_DIR=/data \
    FITD_HOST=0.0.0.0 \
    FITD_FIRST_KEY_FILE=/data/first-key \
    FITD_PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
# http.client, for urllib would ask a proxy of the environment
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, sys; from http.client import HTTPConnection; c = HTTPConnection('127.0.0.1', int(os.environ['FITD_PORT']), timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]
