// Command consumer is what a user of the library writes: it loads a model, calibrates it on a batch of made-up pictures, saves
// the INT8 model, and runs both. .ci/consumer/run builds it outside Octet's module.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: consumer MODEL")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string) error {
	fp32, err := model.Load(path)
	if err != nil {
		return err
	}
	c, err := calibrate.New(fp32, calibrate.Options{Algorithm: calibrate.KL, Runner: infer.NewRunner})
	if err != nil {
		return err
	}
	defer c.Close()
	batch, err := noise(4, 3, 48, 48)
	if err != nil {
		return err
	}
	in := []*model.Tensor{batch}
	if _, err := c.Sample(ctx, in); err != nil {
		return err
	}

	folder, err := os.MkdirTemp("", "consumer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	saved := filepath.Join(folder, "int8")
	if err := c.SaveINT8Model(saved); err != nil {
		return err
	}
	int8, err := model.Load(saved)
	if err != nil {
		return err
	}

	fmt.Println("oneDNN", dnnl.LibraryVersion())
	for _, each := range []struct {
		name string
		m    *model.Model
	}{{"FP32", fp32}, {"INT8", int8}} {
		top, err := classify(ctx, each.m, in)
		if err != nil {
			return fmt.Errorf("%s: %w", each.name, err)
		}
		fmt.Println(each.name, "top-1 of each picture:", top)
	}
	return nil
}

// classify returns the index of the largest probability of each picture.
func classify(ctx context.Context, m *model.Model, in []*model.Tensor) ([]int, error) {
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	out, err := p.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	probabilities := out[0].Float32s()
	pictures := int(in[0].Dims[0])
	classes := len(probabilities) / pictures
	top := make([]int, pictures)
	for i := range top {
		row := probabilities[i*classes : (i+1)*classes]
		for class, p := range row {
			if p > row[top[i]] {
				top[i] = class
			}
		}
	}
	return top, nil
}

// noise makes a batch of uniform values in [-1, 1), the same every time.
func noise(dims ...int64) (*model.Tensor, error) {
	size := int64(1)
	for _, d := range dims {
		size *= d
	}
	random := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, size)
	for i := range x {
		x[i] = 2*random.Float32() - 1
	}
	return model.Float32Tensor(x, dims...)
}
