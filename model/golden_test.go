package model

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGoldens saves the models of testdata again: what Octet writes must not
// change unnoticed. testdata/make.go makes them.
func TestGoldens(t *testing.T) {
	for _, c := range []struct {
		golden string
		form   Form
		out    string
	}{
		{"separate", FormSeparate, "m"}, {"combined", FormCombined, "m"}, {"pair", FormPdModel, "m/net"}, {"pir", FormPIR, "m/net"},
	} {
		m := mustLoad(t, filepath.Join("testdata", c.golden))
		dir := t.TempDir()
		if err := Save(m, filepath.Join(dir, filepath.FromSlash(c.out)), WithForm(c.form)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree(t, filepath.Join("testdata", c.golden)), tree(t, filepath.Join(dir, "m"))); diff != "" {
			t.Errorf("%s:\n%s", c.golden, diff)
		}
		// Calibration tables carry this: it must stay what it is. PIR adds the
		// attributes that the program leaves out, and a reshape of the bias.
		want := "bdf7691c53a6060ae1367bfae0c665af67a19e2a56fb579639e139d20849f413"
		if c.form == FormPIR {
			want = "840f2afa0025aef7f28c03d22649fed69435678d02fbcb6300c49b734cac09ea"
		}
		if got := Fingerprint(m); got != want {
			t.Errorf("%s: fingerprint %s, want %s", c.golden, got, want)
		}
	}
}

// TestPaddleHeader reads and writes the header that Paddle 1.8.5 writes.
func TestPaddleHeader(t *testing.T) {
	want := stream(paddleHeader, 40)
	tensor, err := Float32Tensor(make([]float32, 10), 10)
	if err != nil {
		t.Fatal(err)
	}
	var got tap
	if err := WriteTensor(&got, tensor); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, []byte(got)); diff != "" {
		t.Error(diff)
	}
}

// tap is a writer that keeps what it is given.
type tap []byte

func (b *tap) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
