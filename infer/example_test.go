package infer_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

const demo = "../testdata/demo"

// The three steps from an FP32 model to an INT8 model on disk: make a
// calibrator, sample after each run, save.
func Example_calibrate() {
	ctx := context.Background()
	m, err := model.Load(filepath.Join(demo, "mobilenet"))
	if err != nil {
		log.Fatal(err)
	}
	preset, err := dataset.LoadPreset(filepath.Join(demo, "mobilenet", "preprocess.json"))
	if err != nil {
		log.Fatal(err)
	}
	list, err := dataset.Open(filepath.Join(demo, "data"), "train_list.txt", dataset.ListOptions{})
	if err != nil {
		log.Fatal(err)
	}
	loader, err := dataset.NewLoader(list, preset, dataset.LoaderOptions{Batch: 16})
	if err != nil {
		log.Fatal(err)
	}

	c, err := calibrate.New(m, calibrate.Options{Algorithm: calibrate.KL, Runner: infer.NewRunner})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for batch, err := range loader.Batches(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if _, err := c.Sample(ctx, []*model.Tensor{batch.Images}); err != nil {
			log.Fatal(err)
		}
		batch.Release()
	}
	dir, err := os.MkdirTemp("", "octet")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := c.SaveINT8Model(filepath.Join(dir, "mobilenet-int8")); err != nil {
		log.Fatal(err)
	}

	int8, err := model.Load(filepath.Join(dir, "mobilenet-int8"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(int8.Program.Feeds()), "feed,", len(int8.Program.Fetches()), "fetch")
	// Output: 1 feed, 1 fetch
}

// A predictor is made once and shared by all goroutines; the batch may change
// from run to run.
func ExampleNewPredictor() {
	m, err := model.Load(filepath.Join(demo, "mobilenet"))
	if err != nil {
		log.Fatal(err)
	}
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	const batch = 5
	pixels := make([]float32, batch*3*48*48)
	images, err := model.Float32Tensor(pixels, batch, 3, 48, 48)
	if err != nil {
		log.Fatal(err)
	}
	out, err := p.Run(context.Background(), []*model.Tensor{images})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out[0].DType, out[0].Dims)
	// Output: float32 [5 16]
}
