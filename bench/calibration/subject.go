package main

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// The names of the networks.
const (
	resnet    = "resnet50"
	mobilenet = "mobilenet_v1"
)

// A subject is a network with pictures for it.
type subject struct {
	name    string
	kind    string // of the pictures, for the remark
	model   *model.Model
	batches [][]*model.Tensor
}

// real says where the real networks are among the reference data.
var real = map[string]struct {
	folder string
	preset dataset.Preset
	seeded func(seed uint64) *model.Model
}{
	resnet:    {"resnet50", dataset.DefaultPreset(), nets.ResNet50},
	mobilenet: {"mobilenet_v1_x0_75", dataset.MobileNetPreset(), nets.MobileNetV1},
}

// load returns a network with images pictures in batches.
func load(ctx context.Context, name string, images int) (*subject, error) {
	root := os.Getenv("OCTET_SHARED")
	if root == "" {
		root = filepath.Join("..", "shared")
	}
	n := real[name]
	m, err := model.Load(filepath.Join(root, "realmodels", n.folder, "fluid"))
	if errors.Is(err, fs.ErrNotExist) {
		m = n.seeded(1)
		return &subject{name, "of noise, seeded weights", m, noise(m, images)}, nil
	}
	if err != nil {
		return nil, err
	}
	s := &subject{name: name, kind: "pictures", model: m}
	list, err := dataset.Open(filepath.Join(root, "imagenet", "ILSVRC2012"), "train_list.txt", dataset.ListOptions{})
	if err != nil {
		return nil, err
	}
	loader, err := dataset.NewLoader(list.Spread(images), n.preset, dataset.LoaderOptions{Batch: batchSize})
	if err != nil {
		return nil, err
	}
	feeds, err := eval.FeedsOf(m.Program)
	if err != nil {
		return nil, err
	}
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return nil, err
		}
		in, err := feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			return nil, err
		}
		s.batches = append(s.batches, in)
	}
	return s, nil
}

// noise makes pictures for a network that is fed nothing else.
func noise(m *model.Model, images int) (batches [][]*model.Tensor) {
	r := rand.New(rand.NewPCG(1, 2))
	v := m.Program.Blocks[0].Var(m.Program.Feeds()[0])
	for ; images > 0; images -= batchSize {
		t := &model.Tensor{DType: model.FP32, Dims: append([]int64{batchSize}, v.Dims[1:]...)}
		t.Data = make([]byte, 4*batchSize*v.Dims[1]*v.Dims[2]*v.Dims[3])
		x := t.Float32s()
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		batches = append(batches, []*model.Tensor{t})
	}
	return batches
}
