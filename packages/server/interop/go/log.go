package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

var hasher = rfc6962.DefaultHasher

// openLog gives Tessera's client of the log and sumdb's verifier of its Ed25519 key.
func openLog(logURL, vkey string) (*client.HTTPFetcher, note.Verifier, error) {
	root, err := url.Parse(logURL)
	if err != nil {
		return nil, nil, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, nil, fmt.Errorf("the log's Ed25519 key: %w", err)
	}
	fetcher, err := client.NewHTTPFetcher(root, nil)
	return fetcher, verifier, err
}

// checkpoint opens the log's checkpoint with its Ed25519 key (sumdb/note), and with its ML-DSA-44 key and its witnesses'
// keys (transparency-dev/formats). Each key must have signed it, and none may accept it once it is changed.
func checkpoint(ctx context.Context, logURL, vkey string, otherKeys []string) (string, error) {
	fetcher, logVerifier, err := openLog(logURL, vkey)
	if err != nil {
		return "", err
	}
	verifiers := []note.Verifier{logVerifier}
	for _, key := range otherKeys {
		verifier, err := f_note.NewVerifierForCosignatureV1(key)
		if err != nil {
			return "", fmt.Errorf("key %.60s: %w", key, err)
		}
		verifiers = append(verifiers, verifier)
	}
	raw, err := fetcher.ReadCheckpoint(ctx)
	if err != nil {
		return "", err
	}
	cp, _, opened, err := log.ParseCheckpoint(raw, logVerifier.Name(), logVerifier, verifiers[1:]...)
	if err != nil {
		return "", err
	}
	if len(opened.Sigs) != len(verifiers) || len(opened.UnverifiedSigs) != 0 {
		return "", fmt.Errorf("%d of %d keys have signed, and %d signatures are of no key", len(opened.Sigs), len(verifiers), len(opened.UnverifiedSigs))
	}
	changed := bytes.Replace(raw, fmt.Appendf(nil, "\n%d\n", cp.Size), fmt.Appendf(nil, "\n%d\n", cp.Size+1), 1)
	for _, verifier := range verifiers {
		if _, err := note.Open(changed, note.VerifierList(verifier)); err == nil {
			return "", fmt.Errorf("key %s %08x accepts the checkpoint with another size", verifier.Name(), verifier.KeyHash())
		}
	}
	return fmt.Sprintf("size %d, %d signatures, each refused once the size is changed", cp.Size, len(verifiers)), nil
}

// proofs reads every entry of the log, has Tessera's client build its inclusion proof from the tiles and checks it against the
// checkpoint; and the same for the consistency proof from every smaller tree, whose roots come from the entries. Older
// checkpoints must be among those trees.
func proofs(ctx context.Context, logURL, vkey string, olderFiles []string) (string, error) {
	fetcher, verifier, err := openLog(logURL, vkey)
	if err != nil {
		return "", err
	}
	cp, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		return "", err
	}
	older, err := readCheckpoints(olderFiles, verifier)
	if err != nil {
		return "", err
	}
	builder, err := client.NewProofBuilder(ctx, cp.Size, fetcher.ReadTile)
	if err != nil {
		return "", err
	}
	leaves, err := readLeaves(ctx, fetcher, cp.Size)
	if err != nil {
		return "", err
	}
	tree := (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(0)
	for index, leaf := range leaves {
		if err := checkInclusion(ctx, builder, *cp, uint64(index), leaf); err != nil {
			return "", fmt.Errorf("inclusion of entry %d: %w", index, err)
		}
		if err := tree.Append(leaf, nil); err != nil {
			return "", err
		}
		root, err := tree.GetRootHash(nil)
		if err != nil {
			return "", err
		}
		size := uint64(index) + 1
		if known, ok := older[size]; ok && !bytes.Equal(known, root) {
			return "", fmt.Errorf("the earlier checkpoint of size %d has another root", size)
		}
		delete(older, size)
		if err := checkConsistency(ctx, builder, *cp, size, root); err != nil {
			return "", fmt.Errorf("consistency from size %d: %w", size, err)
		}
	}
	if len(older) != 0 {
		return "", fmt.Errorf("%d earlier checkpoints are of larger trees", len(older))
	}
	return fmt.Sprintf("%d inclusion and %d consistency proofs, %d earlier checkpoints; each refused once a hash is changed", cp.Size, cp.Size-1, len(olderFiles)), nil
}

func readCheckpoints(files []string, verifier note.Verifier) (map[uint64][]byte, error) {
	roots := make(map[uint64][]byte)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		cp, _, _, err := log.ParseCheckpoint(raw, verifier.Name(), verifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		roots[cp.Size] = cp.Hash
	}
	return roots, nil
}

func readLeaves(ctx context.Context, fetcher *client.HTTPFetcher, size uint64) ([][]byte, error) {
	var leaves [][]byte
	for bundle := uint64(0); uint64(len(leaves)) < size; bundle++ {
		entries, err := client.GetEntryBundle(ctx, fetcher.ReadEntryBundle, bundle, size)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries.Entries {
			leaves = append(leaves, hasher.HashLeaf(entry))
		}
	}
	if uint64(len(leaves)) != size {
		return nil, fmt.Errorf("the bundles hold %d entries, the checkpoint says %d", len(leaves), size)
	}
	return leaves, nil
}

func checkInclusion(ctx context.Context, builder *client.ProofBuilder, cp log.Checkpoint, index uint64, leaf []byte) error {
	path, err := builder.InclusionProof(ctx, index)
	if err != nil {
		return err
	}
	if err := proof.VerifyInclusion(hasher, index, cp.Size, leaf, path, cp.Hash); err != nil {
		return err
	}
	if proof.VerifyInclusion(hasher, index, cp.Size, changed(leaf), path, cp.Hash) == nil {
		return fmt.Errorf("another leaf is accepted")
	}
	return nil
}

func checkConsistency(ctx context.Context, builder *client.ProofBuilder, cp log.Checkpoint, size uint64, root []byte) error {
	path, err := builder.ConsistencyProof(ctx, size, cp.Size)
	if err != nil {
		return err
	}
	if err := proof.VerifyConsistency(hasher, size, cp.Size, path, root, cp.Hash); err != nil {
		return err
	}
	if proof.VerifyConsistency(hasher, size, cp.Size, path, changed(root), cp.Hash) == nil {
		return fmt.Errorf("another root is accepted")
	}
	return nil
}

func changed(hash []byte) []byte {
	other := bytes.Clone(hash)
	other[7] ^= 1
	return other
}
