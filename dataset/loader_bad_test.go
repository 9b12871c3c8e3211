package dataset

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLoaderSkipsEveryPattern tries every set of bad pictures among seven, so
// every way in which the rest can move up and a buffer can become empty.
func TestLoaderSkipsEveryPattern(t *testing.T) {
	const n = 7
	good := numbered(t, n, nil)
	none := numbered(t, n, func(int) bool { return true })
	for pattern := range 1 << n {
		bad := func(i int) bool { return pattern>>i&1 == 1 }
		list := *good
		list.Samples = append([]Sample(nil), good.Samples...)
		for i := range n {
			if bad(i) {
				rel, err := filepath.Rel(good.Root, none.File(i))
				if err != nil {
					t.Fatal(err)
				}
				list.Samples[i].Path = rel
			}
		}
		for batch := 1; batch <= 4; batch++ {
			l := newLoader(t, &list, LoaderOptions{Batch: batch, Workers: 2, Prefetch: 1, Raw: pattern%2 == 1, BadImages: SkipBad})
			got, err := drain(t, l)
			if pattern == 1<<n-1 {
				if !errors.Is(err, ErrBadImage) || !strings.Contains(err.Error(), "all 7 pictures were skipped") {
					t.Fatalf("nothing left over: %v, %v", got, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("bad pictures %07b, batch %d: %v", pattern, batch, err)
			}
			if diff := cmp.Diff(chunks(n, batch, bad), got); diff != "" {
				t.Fatalf("bad pictures %07b, batch %d (-want +got):\n%s", pattern, batch, diff)
			}
			left := 0
			for _, b := range got {
				left += len(b)
			}
			if skipped, _ := l.Skipped(); skipped != n-left {
				t.Fatalf("bad pictures %07b: %d counted as skipped, want %d", pattern, skipped, n-left)
			}
		}
	}
}

func TestLoaderCountsSkipped(t *testing.T) {
	bad := func(i int) bool { return i%20 == 13 }
	l := newLoader(t, numbered(t, 250, bad), LoaderOptions{Batch: 16, BadImages: SkipBad})
	got, err := drain(t, l)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(chunks(250, 16, bad), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	n, first := l.Skipped()
	if n != 12 || len(first) != 10 || first[0].Path != "013.png" || first[9].Line != 194 {
		t.Errorf("%d skipped, first %v; want 12, from 013.png to line 194", n, first)
	}
}

func TestLoaderFailsOnBad(t *testing.T) {
	list := numbered(t, 501, func(i int) bool { return i == 250 })
	got, err := drain(t, newLoader(t, list, LoaderOptions{Batch: 16}))
	var bad *ImageError
	if !errors.As(err, &bad) || !errors.Is(err, ErrBadImage) {
		t.Fatalf("error %v, want an *ImageError that is ErrBadImage", err)
	}
	if bad.Path != "250.png" || bad.Line != 251 || bad.List != list.Name {
		t.Errorf("%+v; want 250.png in line 251 of %s", bad, list.Name)
	}
	if want := "picture 250.png (" + list.Name + ":251): bad image: a text; only JPEG and PNG are read"; err.Error() != want {
		t.Errorf("message %q\nwant    %q", err, want)
	}
	if diff := cmp.Diff(chunks(240, 16, nil), got); diff != "" {
		t.Errorf("batches before the bad picture (-want +got):\n%s", diff)
	}
}
