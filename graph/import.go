package graph

import "github.com/octet-dnn/octet/model"

// Import translates a program layer by layer, without any rewriting.
func Import(m *model.Model) (*Graph, error) { return nil, unsupportedErr("import") }
