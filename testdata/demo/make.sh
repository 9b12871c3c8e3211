#!/bin/sh
# Makes everything in this folder anew: pictures, nets, exported models, and the table of what careless INT8 costs.
# About 40 minutes on two cores. Needs Python 3.11 with requirements.txt; PYTHON names another interpreter.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

"$python" draw.py data
"$python" train.py mobilenet build &
"$python" train.py resnet build/first
"$python" train.py resnet build --start build/first/resnet.npz --deaden --epochs 6 --rate 0.001
wait
"$python" export.py build data .
"$python" simulate.py build data
