"""Works in real Paddle for the tests: reads jobs from standard input, a JSON object a line, answers with a line each. Jobs:

  {"list": true}                       the answer has "names", those of the networks of the zoo
  {"make": NAME, "output": OUT}        makes OUT/NAME, as make.py does, unless it is there
  {"run": MODEL, "mode": MODE, "inputs": [FILE.npy...], "output": PREFIX}
                                       runs a program as run.py does, writes PREFIX_I.npy; the answer has "outputs", their number
An answer with "error" says why a job failed.
"""
import json
import sys

import numpy as np

import make
import run
from families import FAMILIES


def work(job):
    if "list" in job:
        return {"names": list(FAMILIES)}
    if "make" in job:
        make.make(job["make"], job["output"], small=False)
        return {}
    outs = run.outputs(job["run"], job["mode"], [np.load(x) for x in job["inputs"]])
    for i, x in enumerate(outs):
        np.save("%s_%d.npy" % (job["output"], i), x)
    return {"outputs": len(outs)}


def main():
    answers = sys.stdout
    sys.stdout = sys.stderr  # what Paddle prints is no answer
    for line in sys.stdin:
        try:
            answer = work(json.loads(line))
        except Exception as e:  # the next job is another program
            answer = {"error": " / ".join(str(e).strip().splitlines()[-3:])}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
