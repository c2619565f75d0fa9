"""`python -m tests.runbooks [--all] [--json] [PAGE …]`: break a real stack, follow the runbooks, tell how it went."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.processes import ROOT
from tests.runbooks.pages import pages


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.runbooks", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="only these, by the name of the file")
    parser.add_argument("--all", action="store_true", help="all of them, some ten minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and pytest's words to stderr")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report")
        command = [sys.executable, "-m", "pytest", "tests/runbooks/test_execution.py", "-q", "-p", "no:cacheprovider"]
        if asked.pages:
            command += ["-k", " or ".join(f"[{page}]" for page in asked.pages)]
        environment = {"DJANGO_SECRET_KEY": "for tests alone", **os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        if asked.all or asked.pages:
            environment["TESTS_RUNBOOKS"] = "all"
        else:
            environment.pop("TESTS_RUNBOOKS", None)
        environment["TESTS_RUNBOOKS_REPORT"] = str(report)
        code = subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr if asked.json else None).returncode
        lines = report.read_text().splitlines() if report.exists() else []
    told = [json.loads(line) for line in lines]
    wanted = asked.pages or ([page.name for page in pages()] if asked.all else [])
    missing = sorted(set(wanted) - {page["page"] for page in told})  # failed, or its trouble cannot be made here
    if asked.json:
        print(json.dumps({"executed": told, "not_executed": missing, "failed": code != 0}))
    else:
        for page in told:
            print(f"{page['page']}: fires after {page['fires_after']} s, well after {page['well_after']} s more, "
                  f"{page['commands']} commands")  # fmt: skip
        for name in missing:
            print(f"{name}: NOT EXECUTED")
    return code


if __name__ == "__main__":
    sys.exit(main())
