// What transparency-dev's and Go's own libraries say of a notary: each command exits 0 when they agree, prints in one line
// what they saw, and exits 1 with the reason when they do not.
//
//	interop checkpoint LOG_URL ED25519_VKEY [VKEY...]     every key has signed the checkpoint
//	interop proofs LOG_URL ED25519_VKEY [OLD_CHECKPOINT]  inclusion and consistency, built from the log's tiles
//	interop witness ED25519_VKEY                          serves C2SP tlog-witness until standard input ends
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	seen, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(seen)
}

func run(ctx context.Context, args []string) (string, error) {
	switch {
	case len(args) >= 3 && args[0] == "checkpoint":
		return checkpoint(ctx, args[1], args[2], args[3:])
	case len(args) >= 3 && args[0] == "proofs":
		return proofs(ctx, args[1], args[2], args[3:])
	case len(args) == 2 && args[0] == "witness":
		return serveWitness(args[1])
	}
	return "", fmt.Errorf("usage: interop checkpoint|proofs|witness …")
}
