package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/model"
)

// ErrNpy is wrapped by every error about the content of an npy file.
var ErrNpy = errors.New("bad npy file")

// maxNpyBytes bounds an npy file where the caller does not.
const maxNpyBytes = 16 << 30

// maxNpyHeader is what numpy itself reads without being asked to trust the file.
const maxNpyHeader = 10000

// npyHeader matches the dictionary as numpy writes it (numpy.lib.format 1.0 to
// 3.0: a literal with sorted keys, padded with spaces, closed by a newline).
// Literals are matched rather than evaluated: nothing else is an array.
var npyHeader = regexp.MustCompile(`^\{'descr': (.+), 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), ?\} *\n$`)

// npyTypes maps numpy's names, without the byte order, to tensor types.
var npyTypes = map[string]model.DType{
	"f2": model.FP16, "f4": model.FP32, "f8": model.FP64, "b1": model.Bool, "u1": model.UInt8,
	"i1": model.Int8, "i2": model.Int16, "i4": model.Int32, "i8": model.Int64,
}

// ReadNpy reads an array saved by numpy.save: little endian, C order, of a type
// that tensors have. Object arrays are pickles, which run code when they are
// loaded; they are refused. want gives the dims expected, -1 for any number;
// without it any shape will do. Files of more than limit bytes are refused (0
// means 16 GiB). Errors wrap ErrNpy or come from the file system.
//
// The header is read here and not by npyio, which panics on hostile headers
// and allocates the length they claim.
func ReadNpy(file string, limit int64, want ...int64) (*model.Tensor, error) {
	if limit <= 0 {
		limit = maxNpyBytes
	}
	data, err := readRegular(file, limit)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	t, err := ParseNpy(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(want) == 0 {
		return t, nil
	}
	fits := len(want) == len(t.Dims)
	for i := 0; fits && i < len(want); i++ {
		fits = want[i] < 0 || want[i] == t.Dims[i]
	}
	if !fits {
		return nil, fmt.Errorf("%s: %w: shape %v, want %v", file, ErrNpy, t.Dims, want)
	}
	return t, nil
}

// ParseNpy is ReadNpy of a file's content. The tensor's Data aliases data.
func ParseNpy(data []byte) (*model.Tensor, error) {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: %s", ErrNpy, fmt.Sprintf(format, a...))
	}
	header, body, err := splitNpy(data)
	if err != nil {
		return nil, err
	}
	m := npyHeader.FindStringSubmatch(header)
	if m == nil {
		return nil, bad("header %.80q is not one that numpy writes", header)
	}
	if m[2] == "True" {
		return nil, bad("the array is in Fortran order; save numpy.ascontiguousarray(x)")
	}
	dtype, err := npyType(m[1])
	if err != nil {
		return nil, err
	}
	t := &model.Tensor{DType: dtype, Dims: []int64{}, Data: body}
	// Elements are counted against the bytes there are, so nothing can overflow.
	n, size, zero := int64(1), int64(dtype.Size()), false
	for s := range strings.SplitSeq(strings.ReplaceAll(m[3], " ", ""), ",") {
		if s == "" {
			continue // behind the comma of a 1-tuple
		}
		d, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, bad("shape (%s)", m[3])
		}
		t.Dims = append(t.Dims, d)
		if d == 0 {
			zero = true
		} else if !zero && d > int64(len(body))/size/n {
			return nil, bad("shape (%s) of %v needs more than the %d bytes there are", m[3], dtype, len(body))
		} else if !zero {
			n *= d
		}
	}
	if zero {
		n = 0
	}
	if n*size != int64(len(body)) {
		return nil, bad("shape (%s) of %v takes %d bytes, the file has %d", m[3], dtype, n*size, len(body))
	}
	return t, nil
}

// splitNpy checks magic, version and lengths and returns the header's text and
// the array's bytes.
func splitNpy(data []byte) (header string, body []byte, err error) {
	const magic = "\x93NUMPY"
	if len(data) < 12 || string(data[:6]) != magic {
		return "", nil, fmt.Errorf("%w: is %s, want an npy array", ErrNpy, sniff(data))
	}
	var n, at uint64
	switch data[6] {
	case 1:
		n, at = uint64(binary.LittleEndian.Uint16(data[8:])), 10
	case 2, 3:
		n, at = uint64(binary.LittleEndian.Uint32(data[8:])), 12
	default:
		return "", nil, fmt.Errorf("%w: format version %d.%d, want 1.0 to 3.0", ErrNpy, data[6], data[7])
	}
	if n > maxNpyHeader || n > uint64(len(data))-at {
		return "", nil, fmt.Errorf("%w: header says %d bytes, the file has %d, the limit is %d", ErrNpy, n, len(data), maxNpyHeader)
	}
	return string(data[at : at+n]), data[at+n:], nil
}

// npyType reads the descr field, such as '<f4' with its quotes.
func npyType(descr string) (model.DType, error) {
	name := strings.Trim(descr, "'")
	switch {
	case strings.HasPrefix(descr, "["):
		return 0, fmt.Errorf("%w: records (%.60s), want plain numbers", ErrNpy, descr)
	case strings.HasPrefix(name, "|O"), strings.HasPrefix(name, "O"):
		return 0, fmt.Errorf("%w: object array: it holds a pickle, which is not loaded because that would run code", ErrNpy)
	case len(name) < 2 || len(descr) != len(name)+2:
		return 0, fmt.Errorf("%w: type %.60s", ErrNpy, descr)
	}
	t, ok := npyTypes[name[1:]]
	switch {
	case !ok:
		return 0, fmt.Errorf("%w: type %.60s has no tensor type", ErrNpy, descr)
	case name[0] == '>' && t.Size() > 1:
		return 0, fmt.Errorf("%w: type %s is big endian; save x.astype(x.dtype.newbyteorder('<'))", ErrNpy, descr)
	case !strings.ContainsRune("<|>=", rune(name[0])):
		return 0, fmt.Errorf("%w: type %.60s", ErrNpy, descr)
	}
	return t, nil
}
