package model

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// Pieces of PIR programs, for files that no writer would make.

// pirFile is a program of the operators given.
func pirFile(ops ...string) []byte {
	return pirBlock(`"args":[],"ops":[` + strings.Join(ops, ",") + `]`)
}

// pirBlock is a program whose block has the members given.
func pirBlock(members string) []byte {
	return []byte(`{"base_code":{"magic":"pir","trainable":true,"version":4},"program":{"regions":[{"#":"region_0","blocks":[{"#":"block_0",` +
		members + `}]}]}}`)
}

// f32Type is the type of an FP32 tensor.
func f32Type(dims string) string {
	return `{"#":"0.t_dtensor","D":[{"#":"0.t_f32"},[` + dims + `],"NCHW",[],0]}`
}

// pirText is an operator: operands and results are texts of numbers and types.
func pirText(name, in, results string, attrs ...string) string {
	return fmt.Sprintf(`{"#":%q,"A":[%s],"I":[%s],"O":[%s],"OA":[]}`, name, strings.Join(attrs, ","), in, results)
}

func ref(id int) string { return fmt.Sprintf(`{"%%":%d}`, id) }

func f32Result(id int) string { return typed(id, f32Type("2,3")) }

func typed(id int, typ string) string { return fmt.Sprintf(`{"%%":%d,"TT":%s}`, id, typ) }

func pirAttrText(name, kind, value string) string {
	return fmt.Sprintf(`{"AT":{"#":%q,"D":%s},"N":%q}`, kind, value, name)
}

// dataOp feeds value 1 as x.
var dataOp = pirText("1.data", "", f32Result(1), pirAttrText("name", "0.a_str", `"x"`))

func reluOp(from, to int) string { return pirText("1.relu", ref(from), f32Result(to)) }

func paramOp(id int, name string) string {
	return fmt.Sprintf(`{"#":"p","A":[0,1,1,%q],"DA":[],"O":%s,"OA":[1,0,1],"QA":[]}`, name, f32Result(id))
}

func intsOp(id int, list string) string {
	return pirText("1.full_int_array", "", typed(id, `{"#":"0.t_dtensor","D":[{"#":"0.t_i64"},[2],"NCHW",[],0]}`),
		pirAttrText("value", "0.a_array", "["+list+"]"), pirAttrText("dtype", "1.a_dtype", `"int64"`))
}

func i64Text(n int) string { return fmt.Sprintf(`{"#":"0.a_i64","D":%d}`, n) }

func fullOp(id int, shape, value string) string {
	return pirText("1.full", "", f32Result(id),
		pirAttrText("shape", "1.a_intarray", shape), pirAttrText("value", "0.a_f64", value), pirAttrText("dtype", "1.a_dtype", `"float32"`))
}

// pirCases are PIR programs that are wrong, or look wrong and are not.
func pirCases() []hostileCase {
	good := string(pirFile(dataOp, reluOp(1, 2)))
	softmax := func(axis string) string { return pirText("1.softmax", ref(1), f32Result(2), axis) }
	pool := func(ksize int) string { return pirText("1.pool2d", ref(1)+","+ref(ksize), f32Result(9)) }
	vec := `{"#":"0.t_vec","D":[` + f32Type("2,3") + `,` + f32Type("2,3") + `]}`
	pair := pirText("0.combine", ref(1)+","+ref(1), typed(5, vec))
	head := func(base, program string) []byte {
		return []byte(`{"base_code":` + base + `,"program":` + program + `}`)
	}
	return []hostileCase{
		{"two operators", []byte(good), nil, ""},
		{"behind a byte order mark", []byte("\xef\xbb\xbf" + good), nil, ""},
		{"behind blanks, spread over lines", []byte("\n\t " + strings.ReplaceAll(good, ",", ",\n ")), nil, ""},
		{"keys in another order", []byte(strings.Replace(good[:len(good)-1], `"base_code":{"magic":"pir","trainable":true,"version":4},`, "", 1) + `,"base_code":{"version":4,"magic":"pir"}}`), nil, ""},
		{"a version of the future", []byte(strings.Replace(good, `"version":4`, `"version":99`, 1)), nil, ""},
		{"unknown keys", []byte(strings.Replace(good, `"args":[]`, `"args":[],"more":{"x":[1,2]}`, 1)), nil, ""},
		{"truncated", []byte(good[:len(good)-20]), ErrFormat, "unexpected end of JSON"},
		{"trailing garbage", []byte(good + "x"), ErrFormat, fmt.Sprintf("byte %d", len(good)+1)},
		{"two programs", []byte(good + good), ErrFormat, "after top-level value"},
		{"a control character in a name", []byte(strings.Replace(good, `"x"`, "\"x\x01\"", 1)), ErrFormat, "invalid character"},
		{"NaN as a number", pirFile(dataOp, softmax(pirAttrText("axis", "0.a_i32", "NaN"))), ErrFormat, "invalid character 'N'"},
		{"100 000 lists, one in the other", pirFile(dataOp, strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)), ErrFormat, "exceeded max depth"},
		{"a list as base_code", head(`[]`, `{}`), ErrFormat, "base_code"},
		{"no magic word", head(`{"version":4}`, `{"regions":[{"blocks":[{"ops":[]}]}]}`), ErrUnsupported, "the magic word pir"},
		{"another magic word", head(`{"magic":"mlir","version":4}`, `{"regions":[{"blocks":[{"ops":[]}]}]}`), ErrUnsupported, `"mlir"`},
		{"negative version", []byte(strings.Replace(good, `"version":4`, `"version":-1`, 1)), ErrUnsupported, "version -1"},
		{"version as text", []byte(strings.Replace(good, `"version":4`, `"version":"4"`, 1)), ErrFormat, "version"},
		{"version of 2^64", []byte(strings.Replace(good, `"version":4`, `"version":18446744073709551616`, 1)), ErrFormat, "version"},
		{"program as a list", head(`{"magic":"pir"}`, `[]`), ErrFormat, "program: malformed model: expected an object"},
		{"no regions", head(`{"magic":"pir"}`, `{}`), ErrFormat, "one block of operators"},
		{"no blocks", head(`{"magic":"pir"}`, `{"regions":[{}]}`), ErrFormat, "one block of operators"},
		{"two regions", head(`{"magic":"pir"}`, `{"regions":[{"blocks":[]},{"blocks":[]}]}`), ErrFormat, "region: malformed model: expected one, seen more"},
		{"two blocks", head(`{"magic":"pir"}`, `{"regions":[{"blocks":[{"ops":[]},{"ops":[]}]}]}`), ErrFormat, "block: malformed model: expected one, seen more"},
		{"block with arguments", pirBlock(`"args":[{"#":-1}],"ops":[]`), ErrUnsupported, "no arguments"},
		{"operators as an object", pirBlock(`"ops":{}`), ErrFormat, "ops: malformed model: expected a list, seen {"},
		{"operators twice", pirBlock(`"ops":[],"ops":[]`), ErrFormat, `"ops" twice`},
		{"no operators", pirFile(), nil, ""},
		{"an operator that is a number", pirFile("1"), ErrFormat, "op 0"},
		{"an operator without a name", pirFile(`{"I":[],"O":[],"A":[]}`), ErrFormat, "expected a name"},
		{"a name that is a number", pirFile(`{"#":1}`), ErrFormat, "op 0"},
		{"a name of 1 MiB", pirFile(pirText("1."+strings.Repeat("n", 1<<20), "", "")), ErrTooLarge, "NameBytes"},
		{"100 001 operators", pirFile(strings.Split(strings.Repeat(`{"#":"1.x"};`, 100_001)[:12*100_001-1], ";")...), ErrTooLarge, "Limits.Ops"},
		{"an operator that nobody knows", pirFile(dataOp, pirText("1.no_such", ref(1)+`,{"%":0}`, f32Result(2))), nil, ""},
		{"control flow", pirFile(dataOp, strings.Replace(pirText("1.if", ref(1), f32Result(2)), `"OA"`, `"regions":[{}],"OA"`, 1)), nil, ""},
		{"an operator in place", pirFile(dataOp, pirText("1.relu_", ref(1), f32Result(2))), nil, ""},
		{"a value that nobody made", pirFile(dataOp, reluOp(7, 2)), ErrFormat, `op 1 "pd_op.relu": operand 0: malformed model: expected a value defined before, seen 7`},
		{"a cycle", pirFile(dataOp, reluOp(3, 2), reluOp(2, 3)), ErrFormat, "expected a value defined before, seen 3"},
		{"an operator that reads itself", pirFile(dataOp, reluOp(2, 2)), ErrFormat, "expected a value defined before, seen 2"},
		{"a value twice", pirFile(dataOp, reluOp(1, 2), reluOp(1, 2)), ErrFormat, "value 2: malformed model: expected one definition"},
		{"an operand that is absent", pirFile(dataOp, reluOp(0, 2)), ErrFormat, "operand 0: malformed model: expected a value, seen none"},
		{"no operands", pirFile(dataOp, pirText("1.relu", "", f32Result(2))), ErrFormat, "expected a value, seen none"},
		{"more operands than there are", pirFile(dataOp, pirText("1.relu", ref(1)+","+ref(1), f32Result(2))), ErrUnsupported, "at most 1"},
		{"a number of 2^64", pirFile(dataOp, pirText("1.relu", `{"%":18446744073709551616}`, f32Result(2))), ErrFormat, "op 1"},
		{"a number with a fraction", pirFile(dataOp, pirText("1.relu", `{"%":1.5}`, f32Result(2))), ErrFormat, "op 1"},
		{"operands as an object", pirFile(dataOp, `{"#":"1.relu","I":{},"O":[],"A":[]}`), ErrFormat, "op 1"},
		{"results as a number", pirFile(dataOp, `{"#":"1.relu","I":[{"%":1}],"O":5,"A":[]}`), ErrFormat, "results"},
		{"a list in place of a tensor", pirFile(dataOp, pair, reluOp(5, 6)), ErrFormat, "expected a tensor, seen a list"},
		{"a tensor in place of a list", pirFile(dataOp, pirText("1.add_n", ref(1), f32Result(2))), ErrFormat, "expected a list"},
		{"a list of lists", pirFile(dataOp, pair, pirText("0.combine", ref(5), typed(6, vec))), ErrFormat, "expected a tensor, seen something else"},
		{"a list taken apart into three", pirFile(dataOp, pair, pirText("0.split", ref(5), f32Result(6)+","+f32Result(7)+","+f32Result(8))), ErrFormat, "2, one an element"},
		{"element 2 of two", pirFile(dataOp, pair, pirText("0.slice", ref(5), f32Result(6), pirAttrText("index", "0.a_i32", "2"))), ErrFormat, "below 2"},
		{"element -1", pirFile(dataOp, pair, pirText("0.slice", ref(5), f32Result(6), pirAttrText("index", "0.a_i32", "-1"))), ErrFormat, "below 2"},
		{"a type that is no tensor", pirFile(pirText("1.x", "", typed(1, `{"#":"1.t_selected_rows"}`))), ErrUnsupported, "t_selected_rows"},
		{"no type", pirFile(pirText("1.x", "", ref(1))), ErrFormat, "a dense tensor"},
		{"an element type that nobody knows", pirFile(pirText("1.x", "", typed(1, `{"#":"0.t_dtensor","D":[{"#":"0.t_c128"},[],"NCHW",[],0]}`))), ErrUnsupported, "t_c128"},
		{"a tensor type without parts", pirFile(pirText("1.x", "", typed(1, `{"#":"0.t_dtensor"}`))), ErrFormat, "tensor type"},
		{"dim -2", pirFile(pirText("1.x", "", typed(1, f32Type("-2")))), ErrFormat, "below -1"},
		{"dim 2^31", pirFile(pirText("1.x", "", typed(1, f32Type("2147483648")))), ErrTooLarge, "Limits.Dim"},
		{"dim 2^64", pirFile(pirText("1.x", "", typed(1, f32Type("18446744073709551616")))), ErrFormat, "dims"},
		{"dim 1.5", pirFile(pirText("1.x", "", typed(1, f32Type("1.5")))), ErrFormat, "dims"},
		{"nine dims", pirFile(pirText("1.x", "", typed(1, f32Type("1,1,1,1,1,1,1,1,1")))), ErrTooLarge, "Limits.Rank"},
		{"a list type in a list type", pirFile(pirText("1.x", "", typed(1, `{"#":"0.t_vec","D":[`+vec+`]}`))), ErrUnsupported, "t_vec"},
		{"300 000 results", pirFile(pirText("1.x", "", strings.Repeat(`{"TT":{"#":"0.t_dtensor","D":[{"#":"0.t_f32"},[]]}},`, 300_000)[:52*300_000-1])), ErrTooLarge, "parts"},
		{"a list type of 100 000 twice", pirFile(bigList(1), bigList(2), bigList(3)), ErrTooLarge, "Limits.Vars"},
		{"a word for an axis", pirFile(dataOp, softmax(pirAttrText("axis", "0.a_str", `"x"`))), ErrFormat, `attribute "axis": value: malformed model: expected an integer of 32 bits, seen x`},
		{"an axis of 2^40", pirFile(dataOp, softmax(pirAttrText("axis", "0.a_i64", "1099511627776"))), ErrFormat, "32 bits"},
		{"an axis that is not what it says", pirFile(dataOp, softmax(pirAttrText("axis", "0.a_i32", `"1"`))), ErrFormat, `attribute "axis"`},
		{"an axis without a value", pirFile(dataOp, softmax(`{"AT":{"#":"0.a_i32"},"N":"axis"}`)), ErrFormat, "seen none"},
		{"an axis twice", pirFile(dataOp, pirText("1.softmax", ref(1), f32Result(2), pirAttrText("axis", "0.a_i32", "1"), pirAttrText("axis", "0.a_i32", "0"))), ErrFormat, "twice"},
		{"an attribute of a newer Paddle", pirFile(dataOp, softmax(pirAttrText("temperature", "0.a_f32", "2.0"))), ErrUnsupported, `"temperature"`},
		{"a list in a list", pirFile(dataOp, pirText("1.transpose", ref(1), f32Result(2), pirAttrText("perm", "0.a_array", `[{"#":"0.a_array","D":[]}]`))), ErrFormat, "a list in it"},
		{"a number of no name", pirFile(dataOp, pirText("1.elu", ref(1), f32Result(2), `{"AT":{"#":"0.a_f32","VD":"HUGE"},"N":"alpha"}`)), ErrFormat, `"HUGE"`},
		{"a number that JSON does not have", pirFile(dataOp, pirText("1.elu", ref(1), f32Result(2), `{"AT":{"#":"0.a_f32","VD":"-INF"},"N":"alpha"}`)), nil, ""},
		{"a kind of attribute that nobody knows", pirFile(dataOp, softmax(pirAttrText("axis", "7.a_x", "1"))), nil, ""},
		{"a million attributes", pirFile(dataOp, softmax(strings.Repeat(`{},`, 1_000_000)+`{}`)), ErrTooLarge, "parts"},
		{"a list of 300 000 numbers", pirFile(intsOp(1, strings.Repeat(`{"#":"0.a_i64","D":1},`, 300_000)+i64Text(1))), ErrTooLarge, "parts"},
		{"a computed window", pirFile(dataOp, pool(1)), ErrUnsupported, "attribute ksize: unsupported: expected a constant"},
		{"a window of one number", pirFile(dataOp, fullOp(2, "[1]", "3.0"), pool(2)), nil, ""},
		{"a window of 2^31", pirFile(dataOp, intsOp(2, i64Text(1<<31)), pool(2)), ErrFormat, "32 bits"},
		{"a window of a million numbers", pirFile(dataOp, fullOp(2, "[1000000]", "3.0"), pool(2)), ErrFormat, "one number"},
		{"a window of half a pixel", pirFile(dataOp, fullOp(2, "[2]", "1.5"), pool(2)), ErrFormat, "32 bits"},
		{"a window of dims that overflow", pirFile(dataOp, fullOp(2, "[2147483647,2147483647,2147483647]", "3.0"), pool(2)), ErrFormat, "one number"},
		{"a constant of negative dims", pirFile(fullOp(2, "[-5]", "3.0")), ErrFormat, "below -1"},
		{"a constant without a value", pirFile(strings.Replace(fullOp(2, "[1]", "3.0"), `"N":"value"`, `"N":"valve"`, 1)), ErrFormat, "attribute value"},
		{"a constant of no type", pirFile(strings.Replace(fullOp(2, "[1]", "3.0"), "float32", "complex64", 1)), ErrUnsupported, "attribute dtype"},
		{"two scales", pirFile(dataOp, fullOp(2, "[2]", "3.0"), pirText("1.scale", ref(1)+","+ref(2), f32Result(3))), ErrFormat, "expected one number, seen dims [2]"},
		{"a parameter", pirFile(paramOp(1, "w")), nil, ""},
		{"a parameter without a name", pirFile(paramOp(1, "")), ErrFormat, "expected a name"},
		{"a parameter with three attributes", pirFile(`{"#":"p","A":[0,1,"w"],"O":` + f32Result(1) + `}`), ErrFormat, "3 values"},
		{"a parameter without attributes", pirFile(`{"#":"p","O":` + f32Result(1) + `}`), ErrFormat, "attributes"},
		{"a parameter with a list of results", pirFile(`{"#":"p","A":[0,1,1,"w"],"O":[` + f32Result(1) + `]}`), ErrFormat, "result"},
		{"a parameter of no type", pirFile(`{"#":"p","A":[0,1,1,"w"],"O":{"%":1,"TT":{"#":"NULL"}}}`), ErrFormat, "expected a tensor"},
		{"two parameters of one name", pirFile(paramOp(1, "w"), paramOp(2, "w")), ErrFormat, "one that is taken"},
		{"a parameter of 4 KiB", pirFile(paramOp(1, strings.Repeat("n", 4096))), ErrTooLarge, "NameBytes"},
		{"a parameter with odd characters", pirFile(paramOp(1, "a\u202e;b c")), nil, ""},
		{"an input without a name", pirFile(pirText("1.data", "", f32Result(1))), ErrFormat, `attribute "name"`},
		{"an input of empty name", pirFile(pirText("1.data", "", f32Result(1), pirAttrText("name", "0.a_str", `""`))), ErrFormat, "a name of its own"},
		{"two inputs of one name", pirFile(dataOp, strings.Replace(dataOp, `"%":1`, `"%":2`, 1)), ErrFormat, "a name of its own"},
		{"an input that is called like a parameter", pirFile(paramOp(2, "x"), dataOp), ErrFormat, "a name of its own"},
		{"an input that is called feed", pirFile(strings.Replace(dataOp, `"x"`, `"feed"`, 1)), ErrFormat, "a name of its own"},
		{"an output without a column", pirFile(dataOp, pirText("1.fetch", ref(1), f32Result(2), pirAttrText("name", "0.a_str", `"y"`))), ErrFormat, `attribute "col"`},
		{"an output of nothing", pirFile(pirText("1.fetch", "{}", f32Result(2), pirAttrText("name", "0.a_str", `"y"`), pirAttrText("col", "0.a_i32", "0"))), ErrFormat, "operands"},
		{"an inner result that is used", pirFile(dataOp, paramOp(2, "m"), paramOp(3, "v"),
			pirText("1.batch_norm_", ref(1)+","+ref(2)+","+ref(3), strings.Join([]string{f32Result(4), f32Result(5), f32Result(6), f32Result(7), f32Result(8), f32Result(9)}, ",")),
			reluOp(9, 10)), ErrUnsupported, "an inner result of pd_op.batch_norm_"},
		{"variables that are called like the next", pirFile(dataOp, pirText("1.relu", ref(1), `{"%":2,"TT":`+f32Type("2")+`,"octet_name":"relu_3"}`), reluOp(2, 3)), nil, ""},
	}
}

// bigList is an operator with a list of 100 000 values as its result.
func bigList(id int) string {
	return pirText("1.x", "", typed(id, `{"#":"0.t_vec","D":[`+strings.Repeat(`{"#":"0.t_dtensor","D":[{"#":"0.t_f32"},[]]},`, 99_999)+f32Type("")+`]}`))
}

func TestHostilePIR(t *testing.T) {
	for _, c := range pirCases() {
		t.Run(c.name, func(t *testing.T) {
			p, err := decodeFile(c.data)
			checkRejection(t, err, c.kind, c.want)
			if err == nil && Check(&Model{Program: p, Params: noParams(p)}) != nil {
				t.Errorf("what was accepted is refused later: %v", Check(&Model{Program: p, Params: noParams(p)}))
			}
		})
	}
}

// noParams gives each parameter of p an empty tensor.
func noParams(p *Program) map[string]*Tensor {
	m := make(map[string]*Tensor)
	for _, name := range p.ParamNames() {
		m[name] = &Tensor{DType: FP32, Dims: []int64{0}}
	}
	return m
}

// TestHostilePIRModels are PIR programs with parameters that do not fit.
func TestHostilePIRModels(t *testing.T) {
	program := pirFile(paramOp(1, "w"), paramOp(2, "b"))
	one := stream(paddleHeader, 40)
	columns := pirFile(dataOp, reluOp(1, 2), fetchOp0(2, 3), fetchOp0(2, 4))
	for _, c := range []struct {
		name string
		fsys fstest.MapFS
		kind error
		want string
	}{
		{"two parameters", fstest.MapFS{"m.json": {Data: program}, "m.pdiparams": {Data: join(one, one)}}, nil, ""},
		{"in a file called __model__", fstest.MapFS{"__model__": {Data: program}, "__params__": {Data: join(one, one)}}, nil, ""},
		{"no parameters", fstest.MapFS{"m.json": {Data: program}}, fs.ErrNotExist, "m.pdiparams"},
		{"parameters that end early", fstest.MapFS{"m.json": {Data: program}, "m.pdiparams": {Data: join(one, one[:len(one)-1])}}, ErrFormat, `parameter "w"`},
		{"one parameter of two", fstest.MapFS{"m.json": {Data: program}, "m.pdiparams": {Data: one}}, ErrFormat, "after 1"},
		{"three parameters for two", fstest.MapFS{"m.json": {Data: program}, "m.pdiparams": {Data: join(one, one, one)}}, ErrFormat, "after 2 parameters"},
		{"JSON that is no program", fstest.MapFS{"m.json": {Data: []byte(`{"a":1}`)}}, ErrUnsupported, "JSON"},
		{"two outputs in one column", fstest.MapFS{"m.json": {Data: columns}}, ErrFormat, "a column of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := LoadFS(c.fsys, ".")
			checkRejection(t, err, c.kind, c.want)
		})
	}
}

// fetchOp0 fetches a value into column 0.
func fetchOp0(from, id int) string {
	return pirText("1.fetch", ref(from), f32Result(id), pirAttrText("name", "0.a_str", `"y"`), pirAttrText("col", "0.a_i32", "0"))
}

// TestPIRSweeps truncates a program at every byte and flips every bit.
func TestPIRSweeps(t *testing.T) {
	program := pirFile(paramOp(7, "w"), dataOp, fullOp(2, "[1]", "2.5"), pirText("1.scale", ref(1)+","+ref(2), f32Result(3)),
		intsOp(4, i64Text(3)+","+i64Text(3)), pirText("1.pool2d", ref(3)+","+ref(4), f32Result(5)), fetchOp0(5, 6))
	sweep(t, program, func(b []byte) error {
		p, err := decodeFile(b)
		if err != nil {
			return err
		}
		if _, err := encodePIR(p); err != nil {
			return err
		}
		return Check(&Model{Program: p, Params: noParams(p)})
	})
}
