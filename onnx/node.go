package onnx

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// The numbers of AttributeProto.AttributeType.
const (
	attrFloat  = 1
	attrInt    = 2
	attrString = 3
	attrTensor = 4
	attrInts   = 7
)

func intAttr(name string, x int) *pb.Attribute {
	return &pb.Attribute{Name: proto.String(name), Type: proto.Int32(attrInt), I: proto.Int64(int64(x))}
}

func flagAttr(name string, x bool) *pb.Attribute {
	if x {
		return intAttr(name, 1)
	}
	return intAttr(name, 0)
}

func floatAttr(name string, x float32) *pb.Attribute {
	return &pb.Attribute{Name: proto.String(name), Type: proto.Int32(attrFloat), F: proto.Float32(x)}
}

func textAttr(name, x string) *pb.Attribute {
	return &pb.Attribute{Name: proto.String(name), Type: proto.Int32(attrString), S: []byte(x)}
}

func tensorAttr(name string, x *pb.Tensor) *pb.Attribute {
	return &pb.Attribute{Name: proto.String(name), Type: proto.Int32(attrTensor), T: x}
}

func intsAttr(name string, list ...int) *pb.Attribute {
	return &pb.Attribute{Name: proto.String(name), Type: proto.Int32(attrInts), Ints: int64s(list)}
}

func int64s(list []int) []int64 {
	out := make([]int64, len(list))
	for i, x := range list {
		out[i] = int64(x)
	}
	return out
}

// padsAttr turns top, bottom, left, right into ONNX's order: all starts, then
// all ends.
func padsAttr(p [4]int) *pb.Attribute { return intsAttr("pads", p[0], p[2], p[1], p[3]) }

// node appends a node. Absent inputs at the end are left out.
func (e *exporter) node(op string, in, out []string, attrs ...*pb.Attribute) {
	for len(in) > 0 && in[len(in)-1] == "" {
		in = in[:len(in)-1]
	}
	e.out.Node = append(e.out.Node, &pb.Node{Input: in, Output: out, Name: proto.String(out[0]), OpType: proto.String(op), Attribute: attrs})
}

// step appends a node on the way to v and returns the name of its result.
func (e *exporter) step(v *graph.Value, op string, i info, in []string, attrs ...*pb.Attribute) string {
	name := e.freshName(v.Name + "@" + strings.ToLower(op))
	e.node(op, in, []string{name}, attrs...)
	e.out.ValueInfo = append(e.out.ValueInfo, i.proto(name))
	return name
}

// give makes name, the result of a step, the value v: the last step writes v
// itself.
func (e *exporter) give(name string, v *graph.Value) {
	nodes, infos := e.out.Node, e.out.ValueInfo
	if n := len(nodes); n > 0 && nodes[n-1].Output[0] == name && len(infos) > 0 && infos[len(infos)-1].GetName() == name {
		nodes[n-1].Output[0], nodes[n-1].Name = v.Name, proto.String(v.Name)
		infos[len(infos)-1] = e.infoOf(v).proto(v.Name)
		delete(e.names, name)
		return
	}
	e.result(v, "Identity", []string{name})
}

// result appends a node that computes v.
func (e *exporter) result(v *graph.Value, op string, in []string, attrs ...*pb.Attribute) {
	e.node(op, in, []string{v.Name}, attrs...)
	e.out.ValueInfo = append(e.out.ValueInfo, e.infoOf(v).proto(v.Name))
}

func (e *exporter) freshName(base string) string {
	name := base
	for n := 2; e.names[name]; n++ {
		name = fmt.Sprintf("%s%d", base, n)
	}
	e.names[name] = true
	return name
}
