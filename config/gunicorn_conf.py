"""gunicorn's settings: `gunicorn -c python:warest.config.gunicorn_conf 'warest.http.app:from_env()'`."""

from warest.config import logs, sentry, settings

_settings = settings.from_env()

bind = _settings.address
worker_class = "gthread"
workers = _settings.web_processes
threads = _settings.web_threads
# A request waits at most for a session's answer; whoever takes longer to stop is killed.
timeout = int(_settings.command_timeout) + 30
graceful_timeout = 5
keepalive = 75
control_socket_disable = True  # gunicorn 27 would open one in the home folder
proc_name = "warest-web"
loglevel = "warning"
accesslog = None  # a log of keys in query strings is worse than none; errors are logged by the app
worker_tmp_dir = "/dev/shm"


def on_starting(_: object) -> None:
    logs.configure(_settings, "web")


def post_fork(_: object, __: object) -> None:
    logs.configure(_settings, "web")
    sentry.start(_settings, "web")
