//go:build !amd64

package calibrate

const (
	wide     = false
	wideStep = 16
)

func rangeAVX512(*float32, int) (low, high uint32) { return 0, 0 }

func binsAVX512(*float32, int, float32, *uint32) int { return 0 }
