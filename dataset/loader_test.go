package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/octet-dnn/octet/model"
)

// tiny cuts 3x3 pixels without resizing or scaling, so that tests can read them.
func tiny() Preset {
	p := DefaultPreset().NoResize()
	p.Crop, p.Divide, p.Mean, p.Std = 3, 1, Triple{}, Triple{1, 1, 1}
	return p
}

// numbered writes n pictures whose red is their number; bad ones are not pictures.
func numbered(t testing.TB, n int, bad func(i int) bool) *List {
	t.Helper()
	files := map[string]string{}
	var list strings.Builder
	for i := range n {
		m := image.NewRGBA(image.Rect(0, 0, 3, 3))
		for j := range 9 {
			m.Set(j%3, j/3, color.RGBA{uint8(i), uint8(j), 7, 255})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%03d.png", i)
		files[name] = b.String()
		if bad != nil && bad(i) {
			files[name] = "this is no picture"
		}
		fmt.Fprintf(&list, "%s %d\n", name, i%10)
	}
	files["list.txt"] = list.String()
	root := tree(t, files)
	l, err := Open(root, "list.txt", ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newLoader(t testing.TB, l *List, opt LoaderOptions) *Loader {
	t.Helper()
	loader, err := NewLoader(l, tiny(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return loader
}

// drain runs a pass and returns the numbers of the pictures of each batch.
// Content, labels and paths are checked against each other.
func drain(t testing.TB, l *Loader) ([][]int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out [][]int
	for b, err := range l.Batches(ctx) {
		if err != nil {
			return out, err
		}
		var batch []int
		for i := range b.Len() {
			n := -1
			if _, err := fmt.Sscanf(b.Paths[i], "%d.png", &n); err != nil {
				t.Fatal(err)
			}
			if label := b.Labels.Int64s()[i]; label != int64(n%10) {
				t.Errorf("%s has label %d", b.Paths[i], label)
			}
			checkPicture(t, b, i, n)
			batch = append(batch, n)
		}
		out = append(out, batch)
		b.Release()
	}
	return out, nil
}

// checkPicture checks that picture i of a batch of tiny pictures has number n.
func checkPicture(t testing.TB, b *Batch, i, n int) {
	t.Helper()
	for j := range 9 {
		for c, want := range []int{n, j, 7} {
			var got int
			if b.Images.DType == model.UInt8 {
				got = int(b.Images.Data[27*i+3*j+c])
			} else {
				got = int(b.Images.Float32s()[27*i+9*c+j])
			}
			if got != want {
				t.Fatalf("%s, pixel %d, channel %d is %d, want %d", b.Paths[i], j, c, got, want)
			}
		}
	}
}

// chunks cuts the numbers from 0 that are not bad into batches.
func chunks(n, size int, bad func(int) bool) (out [][]int) {
	var cur []int
	for i := range n {
		if bad != nil && bad(i) {
			continue
		}
		if cur = append(cur, i); len(cur) == size {
			out, cur = append(out, cur), nil
		}
	}
	if len(cur) > 0 {
		out = append(out, cur)
	}
	return out
}

func TestLoaderKeepsOrder(t *testing.T) {
	list := numbered(t, 23, nil)
	for _, batch := range []int{1, 2, 5, 23, 100} {
		for _, workers := range []int{1, 3, 40} {
			for _, prefetch := range []int{0, 1, 7} {
				for _, raw := range []bool{false, true} {
					opt := LoaderOptions{Batch: batch, Workers: workers, Prefetch: prefetch, Raw: raw}
					l := newLoader(t, list, opt)
					for pass := range 2 {
						got, err := drain(t, l)
						if err != nil {
							t.Fatalf("%+v, pass %d: %v", opt, pass, err)
						}
						if diff := cmp.Diff(chunks(23, batch, nil), got); diff != "" {
							t.Fatalf("%+v, pass %d (-want +got):\n%s", opt, pass, diff)
						}
					}
				}
			}
		}
	}
}

func TestLoaderShapes(t *testing.T) {
	list := numbered(t, 5, nil)
	unlabelled, err := ParseList([]byte("000.png\n"), "x", ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	unlabelled.Root = list.Root
	nhwc := tiny()
	nhwc.Layout = "NHWC"
	for _, tt := range []struct {
		name   string
		list   *List
		preset Preset
		opt    LoaderOptions
		dtype  model.DType
		dims   [][]int64 // of each batch
	}{
		{"NCHW", list, tiny(), LoaderOptions{Batch: 4}, model.FP32, [][]int64{{4, 3, 3, 3}, {1, 3, 3, 3}}},
		{"NHWC", list, nhwc, LoaderOptions{Batch: 5}, model.FP32, [][]int64{{5, 3, 3, 3}}},
		{"raw", list, tiny().Size(0, 2), LoaderOptions{Batch: 3, Raw: true}, model.UInt8, [][]int64{{3, 2, 2, 3}, {2, 2, 2, 3}}},
		{"no labels", unlabelled, tiny(), LoaderOptions{}, model.FP32, [][]int64{{1, 3, 3, 3}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := NewLoader(tt.list, tt.preset, tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			var got [][]int64
			for b, err := range l.Batches(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if b.Images.DType != tt.dtype {
					t.Errorf("type %v, want %v", b.Images.DType, tt.dtype)
				}
				if (b.Labels != nil) != tt.list.Labelled {
					t.Errorf("labels %v", b.Labels)
				} else if b.Labels != nil && !cmp.Equal(b.Labels.Dims, []int64{int64(b.Len()), 1}) {
					t.Errorf("labels have dims %v, want [%d 1]", b.Labels.Dims, b.Len())
				}
				got = append(got, b.Images.Dims)
			}
			if diff := cmp.Diff(tt.dims, got); diff != "" {
				t.Errorf("dims (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLoaderFileVanishes: the list was checked, then a file is removed.
func TestLoaderFileVanishes(t *testing.T) {
	list := numbered(t, 3, nil)
	if err := os.Remove(list.File(1)); err != nil {
		t.Fatal(err)
	}
	_, err := drain(t, newLoader(t, list, LoaderOptions{}))
	var bad *ImageError
	if !errors.As(err, &bad) || !errors.Is(err, fs.ErrNotExist) || bad.Path != "001.png" {
		t.Errorf("error %v, want an *ImageError for 001.png that is ErrNotExist", err)
	}
}

func TestImageErrorOfFolder(t *testing.T) {
	err := &ImageError{Path: "cat/a.jpg", List: "pictures", Err: ErrBadImage}
	if want := "picture cat/a.jpg in pictures: bad image"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestNewLoaderRefuses(t *testing.T) {
	list := numbered(t, 2, nil)
	for _, tt := range []struct {
		name   string
		list   *List
		preset Preset
		opt    LoaderOptions
	}{
		{"preset", list, Preset{}, LoaderOptions{}},
		{"negative batch", list, tiny(), LoaderOptions{Batch: -1}},
		{"negative workers", list, tiny(), LoaderOptions{Workers: -1}},
		{"negative prefetch", list, tiny(), LoaderOptions{Prefetch: -1}},
		{"batch beyond memory", list, DefaultPreset(), LoaderOptions{Batch: 1 << 40}},
		{"empty list", &List{}, tiny(), LoaderOptions{}},
	} {
		if _, err := NewLoader(tt.list, tt.preset, tt.opt); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

func TestParseBadImagePolicy(t *testing.T) {
	for s, want := range map[string]BadImagePolicy{"fail": FailOnBad, "skip": SkipBad} {
		if got, err := ParseBadImagePolicy(s); got != want || err != nil {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	if _, err := ParseBadImagePolicy("ignore"); err == nil {
		t.Error(`"ignore" was accepted`)
	}
}
