package model_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/octet-dnn/octet/model"
)

// Build a program with one parameter, save it and load it again.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	w, err := model.Float32Tensor([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	if err != nil {
		log.Fatal(err)
	}
	m := model.New()
	b := m.Program.Blocks[0]
	x := b.AddFeed("x", model.FP32, -1, 3)
	m.AddParam("fc.w", w)
	b.AddTensor("y", model.FP32, -1, 2)
	b.AddOp("mul", model.Slots("X", x, "Y", "fc.w"), model.Slots("Out", "y"),
		model.IntAttr("x_num_col_dims", 1), model.IntAttr("y_num_col_dims", 1))
	b.AddFetch("y")

	out := filepath.Join(dir, "fc")
	if err := model.Save(m, out, model.WithForm(model.FormCombined)); err != nil {
		log.Fatal(err)
	}
	got, err := model.Load(out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Program.Feeds(), got.Program.Fetches(), got.Params["fc.w"].Dims, got.Equal(m))
	// Output: [x] [y] [3 2] true
}

// Errors say what a file is and where it is wrong, and errors.Is sorts them.
func ExampleLoad_wrongFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "m.pdmodel"), []byte("\x80\x02}q"), 0o666); err != nil {
		log.Fatal(err)
	}
	_, err = model.LoadFS(os.DirFS(dir), "m")
	fmt.Println(err)
	// Output: model: m.pdmodel: byte 0: unsupported: expected a Paddle program (ProgramDesc or PIR), seen a Python pickle (pickles are never executed; export an inference model instead)
}
