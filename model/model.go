package model

// A Model is a program with its parameters. Params holds a tensor for every
// variable of the program that IsParam.
type Model struct {
	Program *Program
	Params  map[string]*Tensor
	// Name says where the model came from, for messages; Load sets it to the path.
	Name string
}
