#!/bin/sh
# What a lent GPU should show, in one call of at most eight minutes: training rate and peak memory in bf16 and fp32,
# image encoding rate by open_clip's ViT-B/32 with random weights, and Twitter-2015 and MNRE-2 whole, three seeds.
# Each part has its share of the time; one that is cut off goes on when the same call is given again, and a finished
# one is left alone. It runs without a GPU, too, on the CPU.
#
#     benchmarks/gpu.sh OUT
#
# OUT       where logs, runs and results go: logs/PART.log, and results.tar.gz with the result files that changed
# DATA      the folder of research data         (../shared/data)
# ENCODER   of texts: offline:minilm, or a folder that transformers loads
# BUDGET_S  seconds in all                      (480)
# SUBSET    training samples of the two sets; 0: all
# SAMPLES   tweets of the training rate         (2000)
# PHOTOS    a folder of JPEG photos             (DATA/coco128)
set -u
OUT=${1:?usage: benchmarks/gpu.sh OUT}
cd "$(dirname "$0")/.." || exit 2
DATA=${DATA:-../shared/data} ENCODER=${ENCODER:-offline:minilm} BUDGET_S=${BUDGET_S:-480} SUBSET=${SUBSET:-0}
SAMPLES=${SAMPLES:-2000} PHOTOS=${PHOTOS:-$DATA/coco128} PYTHON=${PYTHON:-python}
case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac
PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false PYTHONUNBUFFERED=1
export PYTHONPATH HF_HUB_OFFLINE TOKENIZERS_PARALLELISM PYTHONUNBUFFERED
mkdir -p "$OUT/logs" "$OUT/done" "$OUT/work"
ENDS=$(($(date +%s) + BUDGET_S))
touch "$OUT/.begun"
if "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then DEVICE=cuda; else DEVICE=cpu; fi
{ date -u; nvidia-smi || lscpu; "$PYTHON" -c 'import torch; print("torch", torch.__version__)'; } >"$OUT/logs/machine.log" 2>&1

# part NAME SECONDS COMMAND...: runs a command for at most so long, and within the time that is left.
part() {
    name=$1 most=$2
    shift 2
    [ -e "$OUT/done/$name" ] && { echo "$name: finished before"; return; }
    left=$((ENDS - $(date +%s)))
    [ "$left" -lt 10 ] && { echo "$name: no time left"; return; }
    [ "$most" -gt "$left" ] && most=$left
    begun=$(date +%s)
    if timeout -k 10 "$most" "$PYTHON" -m "$@" >"$OUT/logs/$name.log" 2>"$OUT/logs/$name.err"; then
        touch "$OUT/done/$name"
        echo "$name: done in $(($(date +%s) - begun)) s"
    else
        echo "$name: ended with $? after $(($(date +%s) - begun)) s; see $OUT/logs/$name.err"
    fi
}

T15=$OUT/work/t15 MNRE=$OUT/work/mnre CAPTIONS=$OUT/work/captions
if [ "$DEVICE" = cuda ]; then ENCODE="--ways embed --device cuda --copies 16 --rounds 3"
else ENCODE="--ways embed --rounds 1"; fi

# shellcheck disable=SC2086 # the words of these are apart
{
    part training_rate 70 benchmarks.training_rate --shared "$DATA" --samples "$SAMPLES" --encoder "$ENCODER" \
        --json "$OUT/logs/training_rate.json"
    part encode_rate 70 benchmarks.encode_rate --encoder open_clip:ViT-B-32:random --photos "$PHOTOS" $ENCODE
    for seeds in 1 1,2 1,2,3; do
        all="--subset $SUBSET --seeds $seeds"
        part "t15-$seeds" 160 benchmarks.twitter2015 --work "$T15" --shared "$DATA" $all --epochs 3 --write \
            --systems baseline,pgim,caption --setting "encoder.name=$ENCODER"
        part "mnre-$seeds" 100 benchmarks.mnre --work "$MNRE" --shared "$DATA" $all --epochs 3 --write \
            --setting "encoder.name=$ENCODER"
        part "mnre-captions-$seeds" 160 benchmarks.captions --work "$CAPTIONS" --shared "$DATA" --data mnre $all \
            --systems baseline,context-BLIP,hvpnet --record --encoder "$ENCODER"
    done
}

find benchmarks/results/systems -name '*.json' -newer "$OUT/.begun" >"$OUT/changed"
tar -czf "$OUT/results.tar.gz" -T "$OUT/changed" -C "$OUT" logs
echo "on $DEVICE; $(wc -l <"$OUT/changed") result files in $OUT/results.tar.gz"
