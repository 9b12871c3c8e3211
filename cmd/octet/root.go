package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An app is what the verbs of one command line share.
type app struct {
	out      *output   // results only
	err      io.Writer // progress, warnings
	progress string    // --progress
	verbose  bool
	packed   string // --packed-cache
	pin      []int  // --pin
}

// registerPin adds --pin to the flags of a verb that runs networks for their own sake.
func (a *app) registerPin(flags *pflag.FlagSet) {
	flags.IntSliceVar(&a.pin, "pin", nil, "compute on these `CPUS` only, as 0,1: a stream each, or a thread of those that work together")
}

// packedVariable names the folder of packed weights to all calls.
const packedVariable = "OCTET_PACKED_CACHE"

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:               "octet",
		Short:             "Paddle classifiers in INT8, on oneDNN",
		Long:              "Octet calibrates Paddle FP32 classifiers to INT8 and runs both with oneDNN.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkProgress() },
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%s: %v; %s --help lists the flags", c.Name(), err, c.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.progress, "progress", "auto", "how progress shows on stderr: auto, bar, log or none")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "tell on stderr what is decided for each layer")
	flags.StringVar(&a.packed, "packed-cache", os.Getenv(packedVariable), "`FOLDER` for packed weights, which eval and run then map instead of packing them (default $"+packedVariable+")")
	root.AddCommand(demoCmd(a), equaliseCmd(a), calibrateCmd(a), quantizeCmd(a), mergeCmd(a), evalCmd(a), compareCmd(a), runCmd(a), inspectCmd(a), reportCmd(a), convertCmd(a), benchCmd(a), doctorCmd(a), versionCmd(a))
	var verbs []string
	for _, c := range root.Commands() {
		verbs = append(verbs, c.Name())
	}
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown verb %q; the verbs are %s", args[0], strings.Join(verbs, ", "))
		}
		return usagef("a verb is missing: %s; octet --help explains them", strings.Join(verbs, ", "))
	}
	return root
}

// args wraps a check of positional arguments so that its errors count as usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usagef("%s: %v; usage: %s", c.Name(), err, c.UseLine())
		}
		return nil
	}
}

// warn writes one line to stderr.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.err, "octet: %s\n", printable(fmt.Sprintf(format, args...)))
}

// logger is for the library: silent below warnings unless --verbose.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelDebug
	}
	withoutTime := func(groups []string, attr slog.Attr) slog.Attr {
		if len(groups) == 0 && attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return attr
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}))
}
