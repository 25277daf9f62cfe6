#!/usr/bin/env bash
# The embedded model with 600 prompts: in one process, in three, and by a real Slurm; all files must be the same. Then what goes wrong on clusters: a task that
# is killed, one that fails, the same list submitted twice at once, an edited prompt. Needs Slurm (install.sh) and root; the programs are built by it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work" results/many' EXIT
  if [ -e cluster.toml ]; then cp cluster.toml "$work/own.toml"; fi
  code=0
  scripts/slurm/inside.sh "$work/slurm" scripts/slurm/check.sh inside "$work" || code=$?
  if [ -e "$work/own.toml" ]; then cp "$work/own.toml" cluster.toml; else rm -f cluster.toml; fi
  exit $code
fi
work=$2
say() { echo "-- $* (${SECONDS} s)"; }
fail() { echo "FAILED: $*" >&2; tail -n 30 results/many/logs/* >&2 || true; exit 1; }
holds() { grep -qF -e "$2" <<< "$1" || fail "no \"$2\" in: $1"; }

python3 scripts/many_prompts.py 600 > "$work/prompts.jsonl"
# Few doses and short texts: what is tested is who does the work.
sed -e "s|^file = \"data/prompts/role-questions.jsonl\"|file = \"$work/prompts.jsonl\"|" -e 's|^\[extract\]|[extract]\nshard_prompts = 64|' \
  -e 's|^\[steer\]$|[steer]\nshard_rows = 900|' -e 's|^max_new_tokens = .*|max_new_tokens = 4|' -e 's|^layers = \[0, 1, 2, 3, 4, 5\]|layers = [2]|' \
  -e 's|^coefficients = \[0.25.*|coefficients = [1.0]|' pipelines/tiny.toml > "$work/many.toml"
xtask() { cargo xtask "$@" --pipeline "$work/many.toml"; }
cat > cluster.toml << EOF
[test]
engine = "slurm"
device = "cpu"
at_once = 4
sbatch = ["--cpus-per-task=1", "--gres=gpu:1"]
driver = ["--cpus-per-task=1"]
setup = ["source $work/setup.sh"]
EOF
echo 'echo "device $CUDA_VISIBLE_DEVICES"' > "$work/setup.sh"

# What must be equal: all results. Logs, locks (they hold the time) and submissions are of one run.
same() { diff -rq results/many "$1" -x logs -x cluster -x '*.lock.toml' -x '*.shards' || fail "$2"; }
# Until the queue is empty: arrays, and what comes after them.
drain() { for _ in $(seq 600); do [ -z "$(timeout 20 squeue -h)" ] && return; sleep 0.2; done; fail "jobs are still in the queue after 120 s"; }

say one process
rm -rf results/many
xtask all --quiet
cp -r results/many "$work/one"

say three processes
xtask all --quiet --force --workers 3
same "$work/one" "three processes leave other results than one"

say Slurm
rm -rf results/many
holds "$(xtask all --on test)" "submitted job"
holds "$(xtask all --on test)" "still in the queue"
drain
same "$work/one" "Slurm leaves other results than one process"
holds "$(xtask status)" "everything is fresh"
for gpu in 0 1; do holds "$(cat results/many/logs/extract.*_*.log)" "device $gpu"; done
[ -z "$(find results/many -name '.0*' -o -name '*.partial')" ] || fail "an attempt was left"
! sacct > /dev/null 2>&1 || fail "this Slurm has a database, and should not"

say one prompt is another one
sed -i '70s/"text": "/"text": "So, /' "$work/prompts.jsonl"
xtask extract --on test > /dev/null
drain
holds "$(cat results/many/logs/driver.*.log)" "submitted: 1 of 10 shards in 1 tasks"

say a task that is killed in the middle, and one that fails
rm -rf results/many/extract.shards results/many/logs
cp -r results/many/extract "$work/before"
sed -i '30s/"text": "/"text": "Well, /' "$work/prompts.jsonl"
cat > "$work/setup.sh" << 'EOF'
if [ "${SLURM_ARRAY_TASK_ID:-}" = 1 ]; then (sleep 0.1; kill -9 $$) & fi
if [ "${SLURM_ARRAY_TASK_ID:-}" = 2 ]; then exit 1; fi
EOF
xtask extract --on test > /dev/null
drain
holds "$(cat results/many/logs/driver.*.log)" "shards are missing after their tasks have ended"
diff -rq results/many/extract "$work/before" || fail "a run that is not complete has changed the result"
echo > "$work/setup.sh"
xtask extract --on test > /dev/null
drain
holds "$(xtask status)" "extract   fresh"
missing=$(grep -o 'submitted: [0-9]* of 10' results/many/logs/driver.*.log | tail -1 | grep -o '[0-9]* of' | grep -o '[0-9]*')
[ "$missing" -le 2 ] || fail "$missing shards were submitted again, and at most 2 were missing"
[ -z "$(find results/many/extract.shards -name '.0*')" ] || fail "an attempt was left"
cp -r results/many/extract "$work/after"
xtask extract --quiet --force
diff -rq results/many/extract "$work/after" || fail "a run with mishaps leaves other results"

say the same tasks twice at once
rm -rf results/many/extract results/many/extract.shards results/many/extract.lock.toml
holds "$(xtask extract --on test --dry-run)" "10 of 10 shards"
for _ in 1 2; do sbatch --parsable --array=0-9%4 results/many/cluster/extract.sh > /dev/null; done
drain
grep -hE 'was there, equal|is there$' results/many/logs/extract.*.log | sort | uniq -c
holds "$(xtask extract 2>&1)" "10 of 10 shards are there"
diff -rq results/many/extract "$work/after" || fail "tasks that ran twice leave other results"
say done
