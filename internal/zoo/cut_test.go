package zoo

import (
	"archive/zip"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/model"
)

// TestPieceByPiece judges a network by Octet's own integers, and by such that are
// wrong.
func TestPieceByPiece(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join(makers, "goldens.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	n := network{name: "se_resnext50_32x4d", dir: unpack(t, z, "se_resnext50_32x4d", paddles[0])}
	m, err := model.Load(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	in := n.tensors(t, "in")
	g, err := quantised(t, m, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		wrong func(integers []byte)
		fails bool
	}{
		{"its own", func([]byte) {}, false},
		{"one by two", func(x []byte) { x[0] ^= 2 }, true},
		{"a tensor by one", func(x []byte) {
			for i := range x {
				x[i] ^= 1
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := pieceByPiece(t, g, in, func(m *model.Model) ([]*model.Tensor, error) {
				outs, err := answers(t, m, in)
				for i := len(outs) - 1; err == nil && i >= 0; i-- {
					if outs[i].DType == model.UInt8 { // the last one: few layers read it
						c.wrong(outs[i].Data)
						break
					}
				}
				return outs, err
			})
			if (err != nil) != c.fails {
				t.Errorf("error %v: want one: %v", err, c.fails)
			}
			if a.integers == 0 {
				t.Error("no integers were compared")
			}
		})
	}
}

// TestCompare counts integers.
func TestCompare(t *testing.T) {
	s8, u8 := model.Int8, model.UInt8
	for _, c := range []struct {
		name       string
		dtype      model.DType
		got, want  []byte
		moved      int
		tooFar     bool
		otherDType bool
	}{
		{"equal", u8, []byte{0, 255}, []byte{0, 255}, 0, false, false},
		{"by one", u8, []byte{1, 254}, []byte{0, 255}, 2, false, false},
		{"by two", u8, []byte{2, 255}, []byte{0, 255}, 0, true, false},
		{"signed by one", s8, []byte{0, 127}, []byte{255, 127}, 1, false, false},
		{"the ends of signed", s8, []byte{127}, []byte{128}, 0, true, false},
		{"another type", s8, []byte{1}, []byte{1}, 0, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := &model.Tensor{DType: c.dtype, Dims: []int64{int64(len(c.got))}, Data: c.got}
			want := &model.Tensor{DType: c.dtype, Dims: []int64{int64(len(c.want))}, Data: c.want}
			if c.otherDType {
				want.DType = u8
			}
			var a apart
			if err := a.compare(got, want); (err != nil) != c.tooFar {
				t.Errorf("error %v: want one: %v", err, c.tooFar)
			}
			if a.moved != c.moved {
				t.Errorf("%d moved: want %d", a.moved, c.moved)
			}
		})
	}
}
