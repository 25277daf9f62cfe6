#!/usr/bin/env python3
"""Writes a prompt file of any size from a list of templates, to try how a run scales.

    python3 scripts/many_prompts.py 10000 > results/many-prompts.jsonl
    cargo xtask extract --set prompts.file=results/many-prompts.jsonl
"""
import itertools
import json
import sys

TEMPLATES = [
    "What is {}?",
    "Who are you, and what do you know of {}?",
    "Can you help me with {}?",
    "What do you like about {}?",
    "Do you have a name for {}?",
    "Tell me about {} today.",
    "Is {} your job?",
    "What is the meaning of {}?",
    "How do you feel about {}?",
    "Where can I find {}?",
]
PLACES = ["in Vienna", "at home", "at work", "in the city", "by the sea", "in the evening", "on Monday", "with my friend", "for my boss", "again"]
THINGS = ["music", "a good book", "the weather", "your day", "my phone", "the meaning of life", "a new job", "the garden", "this question", "coffee"]
QUALITIES = ["old", "new", "small", "large", "quiet", "happy", "late", "early", "good", "strange"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    count = int(sys.argv[1])
    texts = prompts([""])
    if count > len(texts):
        texts = prompts([f", or {thing} {place}" for thing in THINGS for place in PLACES])
    if count > len(texts):
        sys.exit(f"there are {len(texts)} prompts at most")
    # Evenly spaced, so that every template occurs.
    for number in range(count):
        print(json.dumps({"id": f"m{number:05}", "text": texts[number * len(texts) // count]}))


def prompts(additions):
    """Every combination: 10,000 for one addition, a million for a hundred."""
    combinations = itertools.product(TEMPLATES, THINGS, QUALITIES, PLACES, additions)
    return [template.format(f"{thing}, {quality} {place}{addition}") for template, thing, quality, place, addition in combinations]


if __name__ == "__main__":
    main()
