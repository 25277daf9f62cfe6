#!/usr/bin/env bash
# Everything that is worth doing with a card in ten minutes, in one call: builds for the device, runs its tests, compares every
# layer with the CPU, measures, and leaves tables in OUT (gpu_day.json, gpu_day.md, and a log for each step).
#
#   ROLESWAP_DEVICE=cuda scripts/gpu_day.sh OUT [--small] [--checkpoint PATH]...
#
# ROLESWAP_DEVICE names the device as model.device does; without it, it is wgpu. --small takes the embedded model alone, for software
# devices. GPU_DAY_FEATURES takes the place of the features to build with (cuda-nvrtc,tuned); GPU_DAY_PYTHON is a Python with torch and
# transformers, with which the same work is measured on the same card.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 scripts/gpu_day.py "$@"
