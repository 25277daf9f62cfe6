#!/usr/bin/env python3
"""Runs a command and prints, when it has ended, its seconds and the peaks of its memory (Linux).

    python3 scripts/measure.py target/debug/extract --pipeline pipelines/tiny.toml --results results/measured

RssAnon is memory that the program has allocated; RssFile is pages of mapped files (weights) that the system can drop and
read again. Sampled 50 times a second, so that shorter peaks may be missed.
"""
import subprocess
import sys
import time

FIELDS = ("VmRSS", "RssAnon", "RssFile")


def sample(process_id):
    """Kibibytes by field; nothing once the process is gone."""
    try:
        with open(f"/proc/{process_id}/status") as status:
            lines = [line.split() for line in status]
    except OSError:
        return {}
    return {line[0][:-1]: int(line[1]) for line in lines if line[0][:-1] in FIELDS}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    start = time.monotonic()
    process = subprocess.Popen(sys.argv[1:])
    peaks = dict.fromkeys(FIELDS, 0)
    while process.poll() is None:
        for field, value in sample(process.pid).items():
            peaks[field] = max(peaks[field], value)
        time.sleep(0.02)
    seconds = time.monotonic() - start
    memory = ", ".join(f"{field} {value * 1024 / 1e9:.3f} GB" for field, value in peaks.items())
    print(f"{seconds:.1f} s, peak {memory}", file=sys.stderr)
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
