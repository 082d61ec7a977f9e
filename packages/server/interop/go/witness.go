package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"golang.org/x/mod/sumdb/note"
)

const witnessName = "witness.interop.example"

// witness is C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness@v1.0.0) for one log. What it decides and signs is decided
// and signed by transparency-dev/formats and transparency-dev/merkle.
type witness struct {
	log     note.Verifier
	signers []note.Signer

	mu     sync.Mutex
	latest log.Checkpoint
	steps  []string
}

// serveWitness prints its address and verifier keys as JSON, cosigns with Ed25519 and ML-DSA-44, and when standard input ends
// gives the steps in which it saw the log grow.
func serveWitness(logKey string) (string, error) {
	w := &witness{}
	var err error
	if w.log, err = note.NewVerifier(logKey); err != nil {
		return "", err
	}
	vkeys, err := w.makeKeys()
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go server.Serve(listener)
	defer server.Close()
	hello := map[string]any{"url": "http://" + listener.Addr().String(), "verifierKeys": vkeys}
	if err := json.NewEncoder(os.Stdout).Encode(hello); err != nil {
		return "", err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	steps, err := json.Marshal(w.steps)
	return string(steps), err
}

func (w *witness) makeKeys() (vkeys []string, err error) {
	edKey, edVkey, err := note.GenerateKey(rand.Reader, witnessName)
	if err != nil {
		return nil, err
	}
	if edVkey, err = f_note.VKeyToCosignatureV1(edVkey); err != nil {
		return nil, err
	}
	pqKey, pqVkey, err := f_note.GenerateMLDSAKey(witnessName)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{edKey, pqKey} {
		signer, err := f_note.NewSignerForCosignatureV1(key)
		if err != nil {
			return nil, err
		}
		w.signers = append(w.signers, signer)
	}
	return []string{edVkey, pqVkey}, nil
}

func (w *witness) addCheckpoint(response http.ResponseWriter, request *http.Request) {
	oldSize, path, raw, err := readRequest(http.MaxBytesReader(response, request.Body, 64<<10))
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	next, _, opened, err := log.ParseCheckpoint(raw, w.log.Name(), w.log)
	switch {
	case err != nil:
		http.Error(response, err.Error(), http.StatusForbidden)
	case oldSize > next.Size:
		http.Error(response, "the old size is larger than the checkpoint's", http.StatusBadRequest)
	case oldSize != w.latest.Size:
		response.Header().Set("Content-Type", "text/x.tlog.size")
		response.WriteHeader(http.StatusConflict)
		fmt.Fprintf(response, "%d\n", w.latest.Size)
	case !w.isContinued(*next, path):
		http.Error(response, "the checkpoint does not continue the last", http.StatusUnprocessableEntity)
	default:
		lines, err := w.cosign(opened)
		if err != nil {
			http.Error(response, err.Error(), http.StatusInternalServerError)
			return
		}
		w.steps = append(w.steps, fmt.Sprintf("%d to %d", w.latest.Size, next.Size))
		w.latest = *next
		response.Write(lines)
	}
}

func (w *witness) isContinued(next log.Checkpoint, path [][]byte) bool {
	if w.latest.Size == 0 {
		return len(path) == 0
	}
	return proof.VerifyConsistency(hasher, w.latest.Size, next.Size, path, w.latest.Hash, next.Hash) == nil
}

// cosign signs the note's text and gives the new signature lines alone.
func (w *witness) cosign(opened *note.Note) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: opened.Text}, w.signers...)
	if err != nil {
		return nil, err
	}
	return signed[len(opened.Text)+1:], nil
}

func readRequest(body io.Reader) (oldSize uint64, path [][]byte, checkpoint []byte, err error) {
	reader := bufio.NewReader(body)
	if _, err = fmt.Fscanf(reader, "old %d\n", &oldSize); err != nil {
		return 0, nil, nil, err
	}
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return 0, nil, nil, err
		}
		if line = bytes.TrimSuffix(line, []byte("\n")); len(line) == 0 {
			break
		}
		hash, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(hash) != hasher.Size() {
			return 0, nil, nil, fmt.Errorf("a line of the consistency proof is not a hash")
		}
		path = append(path, hash)
	}
	checkpoint, err = io.ReadAll(reader)
	return oldSize, path, checkpoint, err
}
