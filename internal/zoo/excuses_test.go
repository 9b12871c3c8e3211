package zoo

import (
	"slices"
	"strings"
)

// An excuse is something that a version of real Paddle is unable to do, whatever
// program asks for it.
type excuse struct {
	stage    string   // that fails
	paddles  []string // versions
	networks []string
	says     string // part of Paddle's message
	why      string // for the table
}

// excuses lists them.
var excuses = []excuse{}

func (e excuse) covers(r *row, stage string, err error) bool {
	return e.stage == stage && slices.Contains(e.paddles, r.paddle) && slices.Contains(e.networks, r.name) && strings.Contains(err.Error(), e.says)
}
