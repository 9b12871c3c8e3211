package model

import "bytes"

// signatures lists files that people hand over in place of a Paddle program or
// parameter file. None of them can be the start of either: a program starts
// with 0x0a, a parameter stream with four zero bytes.
var signatures = []struct {
	prefix string
	name   string
}{
	{"\x1f\x8b", "a gzip file (unpack it first)"},
	{"PK\x03\x04", "a zip file (unpack it first)"},
	{"\x28\xb5\x2f\xfd", "a zstd file (unpack it first)"},
	{"BZh", "a bzip2 file (unpack it first)"},
	{"\xfd7zXZ\x00", "an xz file (unpack it first)"},
	{"\x80\x02", "a Python pickle (pickles are never executed; export an inference model instead)"},
	{"\x80\x03", "a Python pickle (pickles are never executed; export an inference model instead)"},
	{"\x80\x04", "a Python pickle (pickles are never executed; export an inference model instead)"},
	{"\x80\x05", "a Python pickle (pickles are never executed; export an inference model instead)"},
	{"version https://git-lfs", "a Git LFS pointer (fetch the file itself with git lfs pull)"},
	{"\xff\xfe", "UTF-16 text"},
	{"\xfe\xff", "UTF-16 text"},
	{"\x93NUMPY", "a NumPy array"},
	{"\x89PNG", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"\x89HDF", "an HDF5 file"},
	{"\x7fELF", "an ELF binary"},
	{"%PDF", "a PDF file"},
	{"#!", "a script"},
	{"GGUF", "a GGUF model"},
}

// sniffBytes is how much of a file's start sniff wants to see.
const sniffBytes = 512

// sniff names what a file is by its start, or returns "" for what it does not
// know. It tells apart what is no Paddle file at all; a program or parameter
// stream gives "".
func sniff(head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.prefix)) {
			return s.name
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive (unpack it first)"
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	lower := bytes.ToLower(text)
	for _, tag := range []string{"<!doctype", "<html", "<?xml", "<head", "<body", "<script"} {
		if bytes.HasPrefix(lower, []byte(tag)) {
			return "a web page or XML text (a download that went wrong?)"
		}
	}
	return ""
}

// isJSON reports whether a file is a JSON object: a brace, then a quote or the
// closing brace. The byte behind the brace matters: "\n{" alone is also how a
// program with a first block of 123 bytes starts.
func isJSON(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	return len(rest) == 0 || rest[0] == '"' || rest[0] == '}'
}

// isPIR reports whether a file is JSON with a key of Paddle 3's programs.
func isPIR(head []byte) bool {
	return isJSON(head) && (bytes.Contains(head, []byte(`"base_code"`)) || bytes.Contains(head, []byte(`"program"`)))
}

// foreignProgram returns the error for a program file that is something else,
// or nil where it may be a program.
func foreignProgram(head []byte) *FormatError {
	seen := sniff(head)
	switch {
	case len(head) == 0:
		return malformed("", "a Paddle program", "an empty file")
	case isPIR(head):
		return nil
	case isJSON(head):
		seen = "JSON"
	case seen != "":
	case bytes.HasPrefix(head, []byte("\x08")):
		seen = "an ONNX model or another protobuf file"
	case bytes.HasPrefix(head, make([]byte, 4)):
		seen = "a Paddle parameter file"
	default:
		return nil
	}
	return &FormatError{Offset: 0, Expected: "a Paddle program (ProgramDesc or PIR)", Seen: seen, Kind: ErrUnsupported}
}
