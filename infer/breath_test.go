package infer

import (
	"testing"
	"time"
)

func TestBreatherIsDueOnceInItsTime(t *testing.T) {
	var b breather
	for _, c := range []struct {
		now  time.Duration
		want bool
	}{
		{breath - 1, false},
		{breath, true},
		{breath, false},
		{2*breath - 1, false},
		{2*breath + 1, true},
		{3 * breath, false},
		{time.Hour, true},
	} {
		if got := b.due(c.now); got != c.want {
			t.Errorf("due after %v: %t, want %t", c.now, got, c.want)
		}
	}
}
