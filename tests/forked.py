"""Commands, each in a fork of this process, since what they import takes a second.

    python tests/forked.py dvc|collect

Reads a JSON object a line on standard input (`arguments`, `folder`, `environment`, `out`), answers
with the id of the process, and with its exit code when it has ended.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable


def dvc() -> Callable[[list[str]], int]:
    import dvc.cli
    import dvc.commands.checkout
    import dvc.commands.commit
    import dvc.commands.data_sync
    import dvc.commands.experiments.run
    import dvc.commands.repro
    import dvc.commands.status
    import dvc.repo.experiments.executor.base
    import dvc_data.index.checkout  # noqa: F401

    return dvc.cli.main


def collect() -> Callable[[list[str]], int]:
    import scrapy.core.downloader.handlers.http11
    import scrapy.core.engine
    import scrapy.extensions.throttle
    import scrapy.spiderloader
    from scrapy.settings import Settings

    import scraper.collect
    import scraper.crawling.downloader
    import scraper.crawling.middlewares
    import scraper.crawling.run
    import scraper.settings
    from pipeline.cli import run

    settings = Settings()
    settings.setmodule("scraper.settings")
    scrapy.spiderloader.SpiderLoader.from_settings(settings)
    assert "twisted.internet.reactor" not in sys.modules  # it can't be shared by processes

    def command(arguments: list[str]) -> int:
        run(lambda: scraper.collect.main(arguments))  # it exits by itself

    return command


def main() -> None:
    command = {"dvc": dvc, "collect": collect}[sys.argv[1]]()
    for line in sys.stdin:
        asked = json.loads(line)
        if (pid := os.fork()) == 0:
            become(command, asked)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(command: Callable[[list[str]], int], asked: dict) -> None:
    """Never returns."""
    os.setsid()
    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, out, out)):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    code = 1
    try:
        code = command(asked["arguments"])
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - its traceback is what a process would end with
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
