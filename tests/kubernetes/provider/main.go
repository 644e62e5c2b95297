// Pulumi's provider for Kubernetes, built from its module: a released program cannot be downloaded everywhere.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// The version of npm's @pulumi/kubernetes that it serves.
var version string

// The module's own, which the build copies here.
//
//go:embed schema.json
var schema []byte

func main() {
	provider.Serve("kubernetes", version, schema, []byte("{}"))
}
