FROM python:3.11-slim

# A user of its own; /data is the only place that is written to.
RUN useradd --create-home --uid 1000 warest && mkdir /data && chown warest /data
WORKDIR /app

# As a whole: copying several folders at once would flatten them, and warest/ links to its siblings.
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt .

USER warest
ENV WAREST_DATA_DIR=/data PORT=7308
VOLUME /data
EXPOSE 7308
HEALTHCHECK CMD python -c "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/api/v1/server/ping')"
CMD ["warest", "up"]
