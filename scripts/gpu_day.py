"""The steps of gpu_day.sh. Each has a limit in seconds and a log of its own; one that fails is in the tables with its last words, and
the next ones run all the same. The status is that of the worst step."""
import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHAPES = ["gemma-2-2b-it", "gemma-2-9b-it"]
PEER = ROOT / "benchmarks" / "peers" / "peer_gpu.py"


class Day:
    def __init__(self, out):
        self.out, self.steps, self.start = out, [], time.monotonic()

    def step(self, name, command, limit, environment=None):
        """Runs a command; what it printed, or None where it failed."""
        log = self.out / (re.sub(r"[^a-z0-9]+", "_", name.lower()) + ".log")
        begin = time.monotonic()
        print(f"== {name} ({begin - self.start:.0f} s)", flush=True)
        try:
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, timeout=limit, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            text, status = done.stdout, done.returncode
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
            text, status = output.decode(errors="replace") if isinstance(output, bytes) else output, f"over {limit} s"
        except OSError as error:
            text, status = str(error), "not started"
        log.write_text(text)
        seconds = time.monotonic() - begin
        words = [] if status == 0 else text.strip().splitlines()[-12:]
        self.steps.append({"step": name, "seconds": round(seconds, 1), "status": status, "last_words": words})
        print("\n".join(words) if words else f"   {seconds:.0f} s", flush=True)
        return text if status == 0 else None

    def left_out(self, name, reason):
        print(f"== {name}: left out: {reason}", flush=True)
        self.steps.append({"step": name, "seconds": 0, "status": "left out", "last_words": [reason]})


def last_json(text):
    lines = [line for line in (text or "").splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else None


def lines_of(word, text):
    """What a test said in JSON after this word."""
    return [json.loads(line.partition(word + " ")[2]) for line in (text or "").splitlines() if word + " {" in line]


def built(day, features, limit):
    """The tests of the device, with its features, the only build; as a command that takes a program of them and their names."""
    tests = ["cargo", "test", "--package", "tiny", "--features", ",".join(features), "--test"]
    if day.step("build", tests + ["device", "--test", "device_counts", "--no-run"], limit) is None:
        return None
    return lambda program, *arguments: tests + [program, "--", "--nocapture", *arguments]


def model_names(arguments, day):
    """The models to measure: random ones of published shapes, made here, and what was given."""
    if arguments.small:
        return [str(ROOT / "data" / "tiny")]
    names = [str(ROOT / "data" / "tiny")]
    for shape in SHAPES:
        place = day.out / f"{shape}.random"
        if place.exists() or day.step(f"make {shape}", ["cargo", "xtask", "synth", "--like", shape, str(place)], 600) is not None:
            names.append(str(place))
    return names + [str(Path(name).resolve()) for name in arguments.checkpoint]


def peers(day, names, arguments):
    python = os.environ.get("GPU_DAY_PYTHON", sys.executable)
    test = "import torch, transformers; assert torch.cuda.is_available()"
    if subprocess.run([python, "-c", test], capture_output=True).returncode != 0:
        return day.left_out("transformers on the same card", f"{python} has no torch with CUDA, or no transformers") or []
    found = []
    # transformers has no use for the embedded model's speed, and reads GGUF files in another way.
    for name in (name for name in names[1:] if Path(name).is_dir()):
        for attention in ("eager", "sdpa"):
            command = [python, str(PEER), name, "--attention", attention, "--new", "4" if arguments.small else "33"]
            result = last_json(day.step(f"transformers {attention} {Path(name).name}", command, 240))
            found += [result] if result else []
    return found


def table(header, rows):
    line = lambda cells: "| " + " | ".join(str(cell) for cell in cells) + " |"
    return "\n".join([line(header), line(["---"] * len(header)), *map(line, rows)])


def number(value, digits=1):
    return "" if value is None else f"{value:.{digits}f}"


def markdown(record):
    # As the driver names the card; without a measurement only its interface is known.
    names = [result["gpu"] for result in record["measured"] if result.get("gpu")]
    title = f"{names[0]}, by {record['device']}" if names else record["device"]
    lines = [f"# {title}", "", record["about"], "", "## Steps", ""]
    lines.append(table(["step", "s", "outcome"], [[step["step"], step["seconds"], step["status"] if step["status"] else "done"] for step in record["steps"]]))
    if record["parity"]:
        lines += ["", "## Every layer against the CPU in f32 (relative RMS error)", ""]
        lines.append(table(["model", "type", "layers", "worst layer", "limit", "logits", "limit"],
                           [[Path(row["checkpoint"]).name, row["dtype"], row["layers"], f"{row['worst_layer']:.1e}", f"{row['limit']:.0e}",
                             f"{row['logits']:.1e}", f"{row['limit_of_logits']:.0e}"] for row in record["parity"]]))
    if record["counted"]:
        lines += ["", "## Launches and reads", "", table(["what", "count"], [[row["what"], row["count"]] for row in record["counted"]])]
    for result in record["measured"]:
        memory = result.get("device_memory_bytes")
        lines += ["", f"## {Path(result['checkpoint']).name}: {result['tool']}, {result['dtype']}", "",
                  f"{number((memory or 0) / 1e9, 2)} GB of the device's memory; it reads {number((result.get('read_bandwidth_bytes_per_second') or 0) / 1e9)} GB/s.", ""]
        lines.append(table(["part", "s", "tokens/s", "of the bandwidth, %"],
                           [[name, number(part["seconds"], 3), number(part.get("tokens_per_second")),
                             number(100 * part["fraction_of_limit"]) if part.get("fraction_of_limit") else ""] for name, part in result["parts"].items()]))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--checkpoint", action="append", default=[])
    parser.add_argument("--build-limit", type=int, default=3600)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    device = os.environ.get("ROLESWAP_DEVICE", "wgpu")
    features = os.environ.get("GPU_DAY_FEATURES", device.split(":")[0]).split(",")
    day = Day(arguments.out.resolve())
    about = "" if arguments.small else day.step("the card", ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"], 30) or ""
    record = {"device": device, "features": features, "about": about.strip(), "parity": [], "measured": [], "counted": []}
    tests = built(day, features, arguments.build_limit)
    if tests:
        names = model_names(arguments, day)
        new = "4" if arguments.small else "33"
        given = lambda names: {"ROLESWAP_DEVICE": device, "ROLESWAP_CHECKPOINTS": ",".join(names), "ROLESWAP_NEW": new}
        # One model a process, so that one that doesn't fit leaves the others, and the memory is its own.
        for name in names:
            test = tests("device", "--exact", "checkpoints::every_layer_of_given_checkpoints_is_the_cpus")
            record["parity"] += lines_of("parity", day.step(f"layers of {Path(name).name}", test, 300, given([name])))
        for name in names:
            test = tests("device", "--exact", "measures::speed_and_memory_of_given_checkpoints")
            record["measured"] += lines_of("measured", day.step(f"speed of {Path(name).name}", test, 300, given([name])))
        record["measured"] += peers(day, names, arguments)
        counts = tests("device_counts", "--test-threads", "1")
        record["counted"] = lines_of("counted", day.step("launches and reads", counts, 300, {"ROLESWAP_DEVICE": device}))
        day.step("tests of the device", tests("device"), 900, {"ROLESWAP_DEVICE": device})
    record["steps"] = day.steps
    (day.out / "gpu_day.json").write_text(json.dumps(record, indent=1) + "\n")
    (day.out / "gpu_day.md").write_text(markdown(record))
    print(markdown(record))
    sys.exit(1 if any(step["status"] not in (0, "left out") for step in day.steps) else 0)


if __name__ == "__main__":
    main()
