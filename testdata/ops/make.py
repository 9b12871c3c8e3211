"""Writes goldens of single operators: what real Paddle computes.

    python make.py OUT.zip        # under Paddle 2.6.2

Every case is one program of one operator (a few where an operator needs a
companion) with random inputs, run by Paddle's own CPU kernels. OUT.zip holds
CASE/m.pdmodel, CASE/m.pdiparams, CASE/in_I.npy and CASE/out_I.npy. The cases
and their operators are listed in cases.py.
"""
import io
import sys
import zipfile
import zlib

import numpy as np
import paddle

from cases import CASES, Param

STAMP = (2024, 1, 1, 0, 0, 0)  # the same archive from the same Paddle


def build(case):
    """The program of a case, its feeds, its fetched variables and the parameters."""
    main, startup = paddle.static.Program(), paddle.static.Program()
    feeds, params, fetched, renamed = [], {}, [], {}
    with paddle.static.program_guard(main, startup):
        block = main.global_block()
        made = {}

        def variable(x):
            if isinstance(x, str):  # what an operator before this one made
                return made[x]
            if isinstance(x, Param):
                v = block.create_parameter(name="p%d" % len(params), shape=list(x.value.shape), dtype=str(x.value.dtype))
                params[v.name] = x.value
                return v
            open_ = case.get("open", [0])
            shape = [-1 if i in open_ else d for i, d in enumerate(x.shape)]
            v = paddle.static.data("x%d" % len(feeds), shape, str(x.dtype))
            feeds.append((v, x))
            return v

        shared = {}
        for n, op in enumerate(case["ops"]):
            ins = {}
            for slot, xs in op["in"].items():
                xs = xs if isinstance(xs, list) else [xs]
                ins[slot] = []
                for x in xs:
                    key = x if isinstance(x, str) else id(x)
                    if key not in shared or isinstance(x, str):
                        shared[key] = variable(x)
                    ins[slot].append(shared[key])
            outs = {}
            for slot, names in op["out"].items():
                outs[slot] = []
                for name in names if isinstance(names, list) else [names]:
                    if isinstance(name, Param):  # written in place
                        outs[slot].append(shared[id(name)])
                        continue
                    dtype = "float32"
                    if ":" in name:
                        name, dtype = name.split(":")
                    made[name] = block.create_var(name=name, dtype=dtype)
                    outs[slot].append(made[name])
            renamed[op["type"]] = op.get("saved_as", op["type"])
            block.append_op(type=op["type"], inputs=ins, outputs=outs, attrs=op.get("attrs", {}))
        for name in case["fetch"]:
            fetched.append(made[name])
    return main, feeds, fetched, params, renamed


def run(case):
    main, feeds, fetched, params, renamed = build(case)
    exe = paddle.static.Executor(paddle.CPUPlace())
    scope = paddle.static.Scope()
    with paddle.static.scope_guard(scope):
        for name, value in params.items():
            scope.var(name).get_tensor().set(value, paddle.CPUPlace())
        if "numpy" in case:  # Paddle has dropped the kernel
            outs = case["numpy"](*[x for _, x in feeds])
        else:
            outs = exe.run(main, feed={v.name: x for v, x in feeds}, fetch_list=fetched, return_numpy=False)
        variables = [v for v, _ in feeds]
        model = paddle.static.serialize_program(variables, fetched, program=main)
        weights = paddle.static.serialize_persistables(variables, fetched, exe, program=main) if params else b""
    files = {"m.pdmodel": stripped(model, renamed)}
    if weights:
        files["m.pdiparams"] = weights
    for i, (_, x) in enumerate(feeds):
        files["in_%d.npy" % i] = npy(x)
    for i, o in enumerate(outs):
        files["out_%d.npy" % i] = npy(np.array(o))
    return files


def stripped(model, renamed):
    """The program without what says where and how it was built, and with the names that older Paddle has for its operators."""
    program = paddle.static.Program.parse_from_string(model)
    for op in program.global_block().ops:
        for attr in "op_callstack", "op_namescope", "op_device", "op_role", "op_role_var", "with_quant_attr":
            if op.has_attr(attr):
                op._remove_attr(attr)
        if renamed.get(op.type, op.type) != op.type:
            op.desc.set_type(renamed[op.type])
            op.desc.remove_output("XShape")
    return program.desc.serialize_to_string()


def npy(x):
    f = io.BytesIO()
    np.save(f, x)
    return f.getvalue()


def main():
    paddle.enable_static()
    failed = []
    with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
        for name, make in CASES.items():
            paddle.utils.unique_name.switch()
            rng = np.random.RandomState(zlib.crc32(name.encode()) % 2**31)
            try:
                files = run(make(rng))
            except Exception as e:  # a case that this Paddle has no kernel for is said and left out
                failed.append("%s: %s" % (name, " / ".join(str(e).strip().splitlines()[-4:])))
                continue
            for file, data in sorted(files.items()):
                info = zipfile.ZipInfo(name + "/" + file, STAMP)
                info.compress_type = zipfile.ZIP_DEFLATED
                z.writestr(info, data)
    print("%d cases, left out: %d" % (len(CASES) - len(failed), len(failed)))
    for f in failed:
        print("  " + f)


if __name__ == "__main__":
    main()
