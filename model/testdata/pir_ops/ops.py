"""Writes ops.json: what Paddle itself says of the operators in the tables pir_ops_*.go.

    python ops.py pir          with paddlepaddle 3.3.1: operands, results and attributes in PIR
    python ops.py classical    with paddlepaddle 2.6.2: slots and attributes in ProgramDesc

Each run replaces its half of the file.
"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, 'ops.json')


def rows():
    """(name in PIR, classical type) of every row of the tables."""
    call = re.compile(r'(?:name: |pir[A-Z]\w+\(|argExtreme\(|linearQuant\()"(\w+)"(?:, (?:op: )?"(\w+)")?')
    model = os.path.join(HERE, '..', '..')
    for file in sorted(os.listdir(model)):
        if file.startswith('pir_ops_'):
            for a, b in call.findall(open(os.path.join(model, file)).read()):
                yield a, b or a


def pir():
    import paddle
    folder = os.path.join(os.path.dirname(paddle.__file__), 'include/paddle/fluid/pir/dialect/operator/ir')
    text = '\n'.join(open(os.path.join(folder, f)).read() for f in ('pd_op.h', 'manual_op.h'))
    wanted, found = dict(rows()), {}
    for cls in re.split(r'\nclass ', text)[1:]:
        name = re.search(r'return "pd_op\.(\w+)"', cls)
        if not name or name.group(1) not in wanted:
            continue
        count = re.search(r'attributes_name\[(\d+)\]', cls)
        count = int(count.group(1)) if count else 0
        attrs = []
        # Build is overloaded for constants as values; the one with as many attributes as there are names them.
        for args in re.findall(r'static void Build\((.*?)\);', cls, re.S):
            parts = [p.strip() for p in re.split(r',\s*(?![^{]*\})', args)[2:]]
            parts = [p for p in parts if p and not p.startswith('pir::Value') and 'AttributeMap' not in p]
            if len(parts) == count:
                attrs = [re.match(r'(?:const )?(.*?)&? (\w+)(?:=(.*))?$', p).groups() for p in parts]
        get = lambda what: [n for n, _ in re.findall(r'pir::Value (\w+)\(\) \{ return %s\((\d+)\); \}' % what, cls)]
        found[name.group(1)] = {'in': get('operand_source'), 'out': get('result'), 'attrs': [[t.replace('std::', ''), n] for t, n, _ in attrs]}
    return found


def classical():
    import paddle
    from paddle.base.framework import OpProtoHolder
    from paddle.base.proto import framework_pb2 as pb
    types = {v: k for k, v in pb.AttrType.items()}
    out = {}
    for _, op in rows():
        proto = OpProtoHolder.instance().op_proto_map.get(op)
        if not proto:
            continue
        default = paddle.base.core.get_op_attrs_default_value(op.encode())
        out[op] = {
            'in': [i.name for i in proto.inputs],
            'out': [o.name for o in proto.outputs],
            'attrs': {a.name: [types[a.type], default.get(a.name)] for a in proto.attrs if not a.name.startswith('op_')},
        }
    return out


def main():
    half = sys.argv[1]
    data = json.load(open(OUT)) if os.path.exists(OUT) else {}
    data[half] = {'pir': pir, 'classical': classical}[half]()
    with open(OUT, 'w') as f:
        f.write('{\n')
        for i, (part, ops) in enumerate(sorted(data.items())):
            f.write('"%s": {\n' % part)
            f.write(',\n'.join('  %s: %s' % (json.dumps(k), json.dumps(v)) for k, v in sorted(ops.items())))
            f.write('\n}%s\n' % (',' if i + 1 < len(data) else ''))
        f.write('}\n')


if __name__ == '__main__':
    main()
