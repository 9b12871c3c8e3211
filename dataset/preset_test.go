package dataset

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePreset(t *testing.T) {
	with := func(change func(*Preset)) Preset {
		p := DefaultPreset()
		change(&p)
		return p
	}
	tests := []struct {
		name, text string
		want       Preset
	}{
		{"empty object", `{}`, DefaultPreset()},
		{"one field", ` {"filter": "bilinear"} ` + "\n", with(func(p *Preset) { p.Filter = Bilinear })},
		{"no resizing", `{"resize_short": 0, "crop": 48}`, with(func(p *Preset) { p.ResizeShort, p.Crop = 0, 48 })},
		{"crop of the whole", `{"resize_short": 224}`, with(func(p *Preset) { p.ResizeShort = 224 })},
		{"mobilenet", `{"divide": 127.5, "mean": [1,1,1], "std": [1,1,1]}`, MobileNetPreset()},
		{"caffe", `{"divide": 1, "mean": [103.939,116.779,123.68], "std": [1,1,1], "channels": "BGR"}`, with(func(p *Preset) {
			p.Divide, p.Mean, p.Std, p.Channels = 1, Triple{103.939, 116.779, 123.68}, Triple{1, 1, 1}, "BGR"
		})},
		{"no mean", `{"mean": [0,0,0]}`, with(func(p *Preset) { p.Mean = Triple{} })},
		{"the rest", `{"rounding": "down", "layout": "NHWC"}`, with(func(p *Preset) { p.Rounding, p.Layout = RoundDown, "NHWC" })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParsePreset([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePresetErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "is not a JSON object"},
		{"null", "null", "is not a JSON object"},
		{"array", "[]", "is not a JSON object"},
		{"number", "224", "is not a JSON object"},
		{"not closed", `{"crop": 224`, "EOF"},
		{"comma at the end", `{"crop": 224,}`, "invalid character"},
		{"text after", `{} {}`, "text after the object"},
		{"comment", "{} // default", "text after the object"},
		{"unknown field", `{"size": 224}`, `unknown field "size"`},
		{"another case", `{"Crop": 100}`, `unknown field "Crop"`},
		{"look-alike letter", `{"ſtd": [1,1,1]}`, `unknown field "ſtd"`},
		{"Go's name", `{"ResizeShort": 256}`, `unknown field "ResizeShort"`},
		{"field twice", `{"crop": 224, "crop": 200}`, `field "crop" occurs twice`},
		{"null field", `{"crop": null}`, `field "crop" is null`},
		{"text for a number", `{"crop": "224"}`, "crop"},
		{"fraction", `{"crop": 224.5}`, "crop"},
		{"crop 0", `{"crop": 0}`, "crop is 0"},
		{"crop negative", `{"crop": -224}`, "crop is -224"},
		{"crop huge", `{"crop": 100000, "resize_short": 0}`, "crop is 100000"},
		{"crop beyond int", `{"crop": 1e30}`, "crop"},
		{"short below crop", `{"resize_short": 200}`, "resize_short is 200"},
		{"short negative", `{"resize_short": -1}`, "resize_short is -1"},
		{"filter", `{"filter": "nearest"}`, `filter is "nearest"`},
		{"filter empty", `{"filter": ""}`, `filter is ""`},
		{"filter case", `{"filter": "Lanczos"}`, `filter is "Lanczos"`},
		{"rounding", `{"rounding": "up"}`, `rounding is "up"`},
		{"divide 0", `{"divide": 0}`, "divide is 0"},
		{"divide negative", `{"divide": -255}`, "divide is -255"},
		{"divide beyond float32", `{"divide": 1e39}`, "divide is 1e+39"},
		{"divide below float32", `{"divide": 1e-60}`, "divide is 1e-60"},
		{"mean of two", `{"mean": [0.5, 0.5]}`, "want three numbers"},
		{"mean of four", `{"mean": [0.5, 0.5, 0.5, 0.5]}`, "want three numbers"},
		{"mean with null", `{"mean": [0.5, null, 0.5]}`, "want three numbers"},
		{"mean a number", `{"mean": 0.5}`, "mean"},
		{"mean beyond float32", `{"mean": [0, 1e39, 0]}`, "mean[1] is 1e+39"},
		{"std 0", `{"std": [1, 1, 0]}`, "std[2] is 0"},
		{"infinite pixels", `{"divide": 1e-38, "mean": [0,0,0], "std": [1e-38,1,1]}`, "becomes +Inf"},
		{"channels", `{"channels": "GRAY"}`, `channels is "GRAY"`},
		{"layout", `{"layout": "CHW"}`, `layout is "CHW"`},
		{"too long", `{}` + strings.Repeat(" ", maxPresetBytes), "the limit is 65536"},
		{"deep", strings.Repeat(`{"mean":`, 20000), "limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePreset([]byte(tt.text))
			if err == nil {
				t.Fatalf("no error; preset %+v", p)
			}
			if !errors.Is(err, ErrPreset) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want an ErrPreset with %q", err, tt.want)
			}
		})
	}
}

func TestPresetSurvivesJSON(t *testing.T) {
	for name, p := range goldenPresets() {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParsePreset(text)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, text, err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestValidateRefusesWhatJSONCannotSay(t *testing.T) {
	p := DefaultPreset()
	p.Mean[1] = math.NaN()
	if err := p.Validate(); !errors.Is(err, ErrPreset) {
		t.Errorf("NaN mean: %v", err)
	}
	p = DefaultPreset()
	p.Divide = math.Inf(1)
	if err := p.Validate(); !errors.Is(err, ErrPreset) {
		t.Errorf("infinite divisor: %v", err)
	}
	if _, err := NewPreprocessor(Preset{}, Limits{}); !errors.Is(err, ErrPreset) {
		t.Errorf("zero preset: %v", err)
	}
}

func TestLoadPreset(t *testing.T) {
	root := tree(t, map[string]string{
		"net/preprocess.json": `{"crop": 48, "resize_short": 0}`, "net/__model__": "",
		"bare/__model__": "", "bad/preprocess.json": `{"crops": 1}`, "dir/preprocess.json/": "",
	})
	at := func(name string) string { return filepath.Join(root, name) }
	for _, path := range []string{"net", "net/preprocess.json"} {
		if p, err := LoadPreset(at(path)); err != nil || p.Crop != 48 {
			t.Errorf("LoadPreset(%s): crop %d, %v", path, p.Crop, err)
		}
	}
	if _, err := LoadPreset(at("bare")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no preset: %v", err)
	}
	if _, err := LoadPreset(at("bad")); !errors.Is(err, ErrPreset) || !strings.Contains(err.Error(), at("bad/preprocess.json")) {
		t.Errorf("bad preset: %v, want an ErrPreset that names the file", err)
	}
	for _, tt := range []struct {
		model string
		crop  int
		found bool
	}{{"net", 48, true}, {"net/__model__", 48, true}, {"bare", 224, false}, {"bare/__model__", 224, false}} {
		if p, found, err := PresetFor(at(tt.model)); err != nil || found != tt.found || p.Crop != tt.crop {
			t.Errorf("PresetFor(%s): crop %d, found %v, %v; want %d, %v", tt.model, p.Crop, found, err, tt.crop, tt.found)
		}
	}
	for _, model := range []string{"bad", "dir"} {
		if _, found, err := PresetFor(at(model)); err == nil || found {
			t.Errorf("PresetFor(%s): found %v, %v; want an error", model, found, err)
		}
	}
}

// TestScaledSides has what Python prints for round(side * (256 / short)), and
// for the other roundings what follows from their definitions.
func TestScaledSides(t *testing.T) {
	for _, tt := range []struct {
		w, h       int
		even, away [2]int
		down       [2]int
	}{
		{500, 375, [2]int{341, 256}, [2]int{341, 256}, [2]int{341, 256}},
		{375, 500, [2]int{256, 341}, [2]int{256, 341}, [2]int{256, 341}},
		{512, 513, [2]int{256, 256}, [2]int{256, 257}, [2]int{256, 256}}, // 256.5
		{512, 515, [2]int{256, 258}, [2]int{256, 258}, [2]int{256, 257}}, // 257.5
		{1, 1, [2]int{256, 256}, [2]int{256, 256}, [2]int{256, 256}},
		{1, 255, [2]int{256, 65280}, [2]int{256, 65280}, [2]int{256, 65280}},
	} {
		for r, want := range map[Rounding][2]int{RoundEven: tt.even, RoundAway: tt.away, RoundDown: tt.down} {
			p := DefaultPreset()
			p.Rounding = r
			g, err := p.geometry(tt.w, tt.h)
			if got := [2]int{g.dstW, g.dstH}; err != nil || got != want {
				t.Errorf("%dx%d, %s: %v, %v; want %v", tt.w, tt.h, r, got, err, want)
			}
		}
	}
	// The short side must come out as asked for, whatever 256/short rounds to.
	for short := 1; short <= maxSide; short++ {
		if got := DefaultPreset().scaled(short, short); got != 256 {
			t.Fatalf("a short side of %d becomes %d, want 256", short, got)
		}
	}
}

func FuzzParsePreset(f *testing.F) {
	for _, s := range []string{`{}`, `{"crop": 1, "resize_short": 0}`, `{"mean":[1,2,3],"std":[1,1,1],"divide":2}`, `{"filter":"box","rounding":"away","channels":"BGR","layout":"NHWC"}`, `{"crop":null}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePreset(text)
		if err != nil {
			if !errors.Is(err, ErrPreset) {
				t.Fatalf("error %v does not wrap ErrPreset", err)
			}
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := ParsePreset(again); err != nil || p != q {
			t.Fatalf("%s\nbecame %s\n%+v, %v", text, again, q, err)
		}
	})
}
