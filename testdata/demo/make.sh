#!/bin/sh
# Makes everything in this folder anew: pictures, nets, exported models, and the table of what careless INT8 costs.
# About 40 minutes on two cores. Needs Python 3.11 with requirements.txt; PYTHON names another interpreter.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

"$python" draw.py data
for net in resnet mobilenet; do
	"$python" train.py "$net" build/first &
done
wait
"$python" train.py resnet build --start build/first/resnet.npz --deaden --seed 5 --epochs 7 --rate 0.002 &
"$python" train.py mobilenet build --start build/first/mobilenet.npz --seed 5 --epochs 10 &
wait
"$python" export.py build data .
"$python" simulate.py resnet build data
"$python" simulate.py mobilenet build data
