package calibrate

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

func sampleTable() *Table {
	return &Table{
		Model: "5f0c", Data: sampleData, Samples: 26, Algorithm: KL, Compat: Paddle13, Batches: 13,
		Entries: []Entry{
			{"", model.Int8, 1},
			{"  two spaces ", model.Int8, 0},
			{`"quoted"`, model.UInt8, 0.1},
			{"conv1.tmp_3", model.UInt8, 6},
			{"image", model.Int8, 2.640000104904175},
			{"line\nend 3", model.Int8, math.SmallestNonzeroFloat64},
			{"not utf-8 \xff", model.Int8, math.MaxFloat64},
			{"卷积", model.UInt8, 1.0 / 3},
		},
	}
}

const sampleData = "81a3000000000000000000000000000000000000000000000000000000000000"

const sampleText = `octet calibration table 2
model 5f0c
data ` + sampleData + `
samples 26
algorithm KL
compat paddle13
batches 13
s8 0x1p+00 1 ""
s8 0x0p+00 0 "  two spaces "
u8 0x1.999999999999ap-04 0.1 "\"quoted\""
u8 0x1.8p+02 6 conv1.tmp_3
s8 0x1.51eb86p+01 2.640000104904175 image
s8 0x0.0000000000001p-1022 5e-324 "line\nend 3"
s8 0x1.fffffffffffffp+1023 1.7976931348623157e+308 "not utf-8 \xff"
u8 0x1.5555555555555p-02 0.3333333333333333 卷积
end 8
`

func text(t testing.TB, table *Table) string {
	t.Helper()
	var b bytes.Buffer
	n, err := table.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.String()
}

func TestTableText(t *testing.T) {
	// Go writes the smallest number normalised.
	want := strings.Replace(sampleText, "0x0.0000000000001p-1022", "0x1p-1074", 1)
	if d := cmp.Diff(want, text(t, sampleTable())); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for name, in := range map[string]string{"as written": want, "other spelling of a number": sampleText, "CRLF": strings.ReplaceAll(want, "\n", "\r\n")} {
		got, err := ParseTable(strings.NewReader(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(sampleTable(), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	empty := &Table{Model: "a", Data: sampleData, Algorithm: Max, Samples: 1}
	if got, err := ParseTable(strings.NewReader(text(t, empty))); err != nil || !cmp.Equal(got, empty) {
		t.Errorf("a table without tensors reads back as %+v, %v", got, err)
	}
}

func TestBadTables(t *testing.T) {
	good := text(t, sampleTable())
	line := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample does not contain %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, c := range []struct {
		name, in string
		line     int // 0: not a TableError
		want     error
		text     string
	}{
		{"empty", "", 0, ErrTruncated, "line 1"},
		{"not a table", "{\"a\": 1}\n", 1, ErrTable, "starts with"},
		{"other version", line("table 2", "table 1"), 1, ErrTable, "table 1"},
		{"header only", good[:strings.Index(good, "s8")], 0, ErrTruncated, "line 8"},
		{"no end", good[:strings.LastIndex(good, "end")], 0, ErrTruncated, "line 16"},
		{"cut in a line", good[:strings.Index(good, "image")-3], 12, ErrTable, "want a type"},
		{"after the end", good + "more\n", 17, ErrTable, `"more" after the end`},
		{"line lost", line("u8 0x1.8p+02 6 conv1.tmp_3\n", ""), 15, ErrTable, "7 tensors read"},
		{"twice", line("image", "conv1.tmp_3"), 12, ErrTable, "twice"},
		{"not sorted", line("image", "a"), 12, ErrTable, "not sorted"},
		{"NaN", line("0x1.8p+02 6", "nan nan"), 11, ErrTable, `threshold "nan"`},
		{"infinite", line("0x1.8p+02 6", "+Inf +Inf"), 11, ErrTable, `threshold "+Inf"`},
		{"too large", line("0x1.8p+02 6", "0x1p+1024 6"), 11, ErrTable, "0x1p+1024"},
		{"negative", line("0x1.8p+02 6", "-0x1.8p+02 -6"), 11, ErrTable, "not negative"},
		{"only the decimal edited", line("p+02 6 ", "p+02 5 "), 11, ErrTable, "differs"},
		{"type", line("u8 0x1.8", "u16 0x1.8"), 11, ErrTable, "u8 or s8"},
		{"quotes not closed", line(`"line\nend 3"`, `"line`), 13, ErrTable, "name"},
		{"quoted for nothing", line("image", `"image"`), 12, ErrTable, "written as image"},
		{"header order", line("model 5f0c\ndata", "data 1\nmodel"), 2, ErrTable, `"model"`},
		{"no model", line("model 5f0c", "model"), 2, ErrTable, `"model"`},
		{"algorithm", line("algorithm KL", "algorithm mean"), 5, ErrTable, `"mean"`},
		{"compat", line("compat paddle13", "compat caffe"), 6, ErrTable, `"caffe"`},
		{"batches", line("batches 13", "batches many"), 7, ErrTable, `"many"`},
		{"negative batches", line("batches 13", "batches -1"), 7, ErrTable, "want a number"},
		{"data", line("data 81", "data 8"), 3, ErrTable, "64 hexadecimal"},
		{"no samples", line("samples 26", "samples 0"), 4, ErrTable, "positive"},
		{"compat of another algorithm", line("algorithm KL", "algorithm MSE"), 6, ErrTable, "compat"},
		{"long line", line("image", strings.Repeat("x", maxTableLine)), 0, nil, "token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseTable(strings.NewReader(c.in))
			if err == nil || !strings.Contains(err.Error(), c.text) || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v about %s", err, c.want, c.text)
			}
			var at *TableError
			if errors.As(err, &at) != (c.line > 0) || at != nil && at.Line != c.line {
				t.Errorf("error %v, want line %d", err, c.line)
			}
		})
	}
}

// Whatever ParseTable accepts, WriteTo writes in the one way that reads back.
func FuzzParseTable(f *testing.F) {
	f.Add(sampleText)
	f.Add(sampleText[:200])
	f.Fuzz(func(t *testing.T, in string) {
		table, err := ParseTable(strings.NewReader(in))
		if err != nil {
			return
		}
		again, err := ParseTable(strings.NewReader(text(t, table)))
		if err != nil || !cmp.Equal(table, again) {
			t.Fatalf("%+v reads back as %+v, %v", table, again, err)
		}
	})
}

func TestTableOfOtherModel(t *testing.T) {
	m := asModel(t, "resnet")
	table := &Table{Model: model.Fingerprint(m)}
	if err := table.CheckModel(m); err != nil {
		t.Error(err)
	}
	if err := table.CheckModel(asModel(t, "mobilenet")); !errors.Is(err, ErrOtherModel) {
		t.Errorf("other network: %v, want ErrOtherModel", err)
	}
	for _, p := range m.Params {
		p.Float32s()[0]++
		break
	}
	if err := table.CheckModel(m); !errors.Is(err, ErrOtherModel) {
		t.Errorf("one weight changed: %v, want ErrOtherModel", err)
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		threshold float64
		levels    int
		want      float32
	}{
		{6, 255, 42.5},
		{0.5, 127, 254},
		{0, 255, 255},
		{1e-300, 127, 127},
		{3.8921, 127, float32(127 / 3.8921)},
	} {
		if got := Scale(c.threshold, c.levels); got != c.want {
			t.Errorf("Scale(%v, %d) = %v, want %v", c.threshold, c.levels, got, c.want)
		}
	}
}
