package eval

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/octet-dnn/octet/model"
)

// Remember returns a Runner that runs r once for inputs of each content and
// gives copies of what came out from then on. It keeps all outputs, and is for
// comparing one network with many. It is as safe for concurrent use as r.
func Remember(r Runner) Runner {
	return &memory{runner: r, known: map[[sha256.Size]byte][]*model.Tensor{}}
}

type memory struct {
	runner Runner
	mu     sync.Mutex
	known  map[[sha256.Size]byte][]*model.Tensor
}

// Run implements Runner.
func (m *memory) Run(ctx context.Context, in []*model.Tensor) ([]*model.Tensor, error) {
	h := sha256.New()
	for _, t := range in {
		h.Write(t.Data)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	m.mu.Lock()
	out, ok := m.known[key]
	m.mu.Unlock()
	if !ok {
		var err error
		if out, err = m.runner.Run(ctx, in); err != nil {
			return nil, err
		}
		m.mu.Lock()
		m.known[key] = out
		m.mu.Unlock()
	}
	copies := make([]*model.Tensor, len(out))
	for i, t := range out {
		c := *t
		c.Data = slices.Clone(t.Data)
		copies[i] = &c
	}
	return copies, nil
}
