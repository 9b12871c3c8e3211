package graph

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/model"
)

// TestGraphIsTheSameInEveryForm saves every fixture in every form: the network
// must stay the same, layer by layer, with the same names. PIR has no INT8
// attributes and refuses such programs.
func TestGraphIsTheSameInEveryForm(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			m := f.load(t)
			want := dumped(t, m)
			for _, form := range []model.Form{model.FormSeparate, model.FormCombined, model.FormPdModel, model.FormPIR} {
				out := filepath.Join(t.TempDir(), "net")
				err := model.Save(m, out, model.WithForm(form))
				if form == model.FormPIR && strings.HasPrefix(f.name, "int8") {
					if !errors.Is(err, model.ErrUnsupported) {
						t.Errorf("an INT8 program as PIR: %v, want ErrUnsupported", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				again, err := model.Load(out)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, dumped(t, again)); diff != "" {
					t.Errorf("as %v (-was +is):\n%s", form, diff)
				}
			}
		})
	}
}

// dumped is the fused network in words.
func dumped(t *testing.T, m *model.Model) string {
	t.Helper()
	g, err := Build(m)
	if err != nil {
		t.Fatal(err)
	}
	g.Name = ""
	var b strings.Builder
	if err := g.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
