//go:build tools

// Package tools names cosign, with which the jobs of examples/ci sign, so that `go build` finds it pinned.
package tools

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
