#!/usr/bin/env bash
# For a machine with a GPU that is at hand for minutes: tests on the device and, if they pass, as much of the record as the time
# allows.
#
#     HW1BENCH_DATA=data bash benchmarks/on_gpu.sh OUT MINUTES
#
# OUT gets a copy of the claims, whose rulings file grows; the report, whose claims.json is the evidence; and the logs. Each ruling
# is in OUT/claims/rulings.json as soon as it falls, whatever ends the run. Run it in a session of its own (setsid), if the shell
# that starts it may end before it does.
set -uo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
minutes=$2
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
begun=$SECONDS

[ -d "$out/claims" ] || cp -r claims "$out/claims"
nvidia-smi > "$out/gpu.txt"
timeout 90 python3 -m pytest tests/test_resident.py tests/test_gpu_kernels.py -k "cuda or graphs or fresh or gpu_kernels" -q \
  -p no:cacheprovider --benchmark-disable > "$out/tests.log" 2>&1 || { tail -n 20 "$out/tests.log"; exit 1; }
tail -n 1 "$out/tests.log"

left=$(python3 -c "print(max(0.1, $minutes - ($SECONDS - $begun) / 60))")
python3 -m hw1bench record "$out/claims" --run --device cuda --budget "$left" --report-dir "$out/report" 2>&1 | tee "$out/record.log"
