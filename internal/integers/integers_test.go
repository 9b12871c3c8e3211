package integers

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const record = `{"name":"a","bytes":3}
abc{"name":"b","bytes":1}
x{"name":"a","bytes":2}
de`

func TestCompare(t *testing.T) {
	tests := []struct {
		name string
		with string
		want []Difference
		err  error
	}{
		{"equal", record, []Difference{{"a", 5, 0, 0}, {"b", 1, 0, 0}}, nil},
		{"two bytes, two batches", strings.NewReplacer("abc", "abe", "de", "dz").Replace(record), []Difference{{"a", 5, 2, 21}, {"b", 1, 0, 0}}, nil},
		{"other names", strings.ReplaceAll(record, `"b"`, `"c"`), nil, ErrRecord},
		{"other sizes", strings.ReplaceAll(record, `:1}`, `:2}`), nil, ErrRecord},
		{"shorter by a batch", record[:strings.LastIndex(record, "{")], nil, ErrRecord},
		{"cut", record[:len(record)-1], nil, errors.New("EOF")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Compare(strings.NewReader(record), strings.NewReader(tt.with))
			if (err == nil) != (tt.err == nil) || err != nil && !errors.Is(err, tt.err) && !strings.Contains(err.Error(), tt.err.Error()) {
				t.Fatalf("got error %v: want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
