"""Runs every `sh` block of a document, in order, in one shell's order from the repository's root, and stops at the first that
fails. What the tutorial makes is removed again.

    python3 scripts/tutorial.py docs/tutorial.md
"""

import pathlib
import re
import shutil
import subprocess
import sys

MADE = ["pipelines/mine.toml", "data/prompts/mine.jsonl", "results/mine", "results/mine.html", "results/tiny-and-mine.html"]


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, flags=re.M | re.S)


def main():
    document = pathlib.Path(sys.argv[1])
    there = [name for name in MADE if pathlib.Path(name).exists()]
    if there:
        sys.exit(f"{', '.join(there)}: the tutorial would overwrite this; move it away")
    commands = blocks(document.read_text())
    if len(commands) < 5:
        sys.exit(f"{document}: only {len(commands)} blocks of commands; has their mark changed?")
    try:
        for command in commands:
            print(f"$ {command.strip()}", flush=True)
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", command])
            if done.returncode:
                sys.exit(f"{document}: this block ended with {done.returncode}:\n{command}")
    finally:
        for name in MADE:
            path = pathlib.Path(name)
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    print(f"{document}: {len(commands)} blocks ran")


main()
