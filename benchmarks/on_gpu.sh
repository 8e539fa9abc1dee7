#!/usr/bin/env bash
# For a machine with a GPU that is at hand for minutes: tests on the device and, if they pass, as much of the record as the time
# allows, and then timings.
#
#     HW1BENCH_DATA=data bash benchmarks/on_gpu.sh OUT MINUTES
#
# The tests take 2 minutes at most, the timings a quarter of what is left then, and the record the rest. Tests of training come
# first; if they fail, nothing else runs. Tests of memory, interruption and kills have what is left of the 2 minutes, and their end
# is only told: `make test-gpu` runs all of them without a limit.
#
# OUT gets a copy of the claims, whose rulings file grows; the report, whose claims.json is the evidence; the table of timings,
# bench.md; and the logs. Each ruling is in OUT/claims/rulings.json, and each row in OUT/bench.md, as soon as there is one, whatever
# ends the run. Run it in a session of its own (setsid), if the shell that starts it may end before it does.
set -uo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
end=$((SECONDS + $(python3 -c "print(round(60 * $2))")))
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
tested=$((SECONDS + 120))

least() { echo $(($1 > $2 ? $1 : $2)); }  # the larger of two numbers of seconds
minutes() { python3 -c "print($1 / 60)"; }
tests() {  # LOG SECONDS ARGUMENTS...
  timeout --kill-after 5 "$2" python3 -m pytest "${@:3}" -v -p no:cacheprovider --benchmark-disable > "$out/$1" 2>&1
}

[ -d "$out/claims" ] || cp -r claims "$out/claims"
nvidia-smi > "$out/gpu.txt" 2>&1
tests tests.log 90 tests/test_resident.py tests/test_side_by_side.py tests/test_gpu_kernels.py \
  -x -k "cuda or graphs or fresh or gpu_kernels"
status=$?  # 124: not all ran in time, as compiling takes long on a fresh machine; those that ran have passed
[ "$status" = 0 ] || [ "$status" = 124 ] || { tail -n 20 "$out/tests.log"; exit 1; }
tail -n 1 "$out/tests.log"
tests slow-tests.log "$(least 20 $((tested - SECONDS)))" tests/test_gpu_memory.py tests/test_interruption.py \
  -k "cuda or largest_experiments" -rs -s || echo "of memory, interruption and kills not all passed, or not all ran in time"
tail -n 1 "$out/slow-tests.log"

# A session that overruns its budget is ended in good order before the timings.
record=$(least 10 $(((end - SECONDS) * 3 / 4)))
timeout --kill-after 30 $((record + 30)) python3 -m hw1bench record "$out/claims" --run --device cuda \
  --budget "$(minutes "$record")" --report-dir "$out/report" 2>&1 | tee "$out/record.log"

bench=$(least 30 $((end - SECONDS)))
timeout --kill-after 5 "$bench" python3 -m benchmarks.gpu --minutes "$(minutes "$bench")" 2> >(tee "$out/bench.log" >&2) \
  | tee "$out/bench.md"
