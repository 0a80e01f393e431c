// What go-tuf does with a repository, for the interop suite and the benchmark:
//
//	go-tuf-peer version
//	go-tuf-peer read ROOT METADATA_URL TARGETS_URL FOLDER PATH...   client; the folder is its cache
//	go-tuf-peer write RECIPE FOLDER                                 repository, as recipe.ts describes it
//	go-tuf-peer measure ROOT TARGETS ROUNDS                         milliseconds to parse and verify, the least of the rounds
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

func main() {
	args := os.Args[1:]
	var err error
	switch {
	case len(args) == 1 && args[0] == "version":
		version()
	case len(args) >= 5 && args[0] == "read":
		err = read(args[1], args[2], args[3], args[4], args[5:])
	case len(args) == 3 && args[0] == "write":
		err = write(args[1], args[2])
	case len(args) == 4 && args[0] == "measure":
		err = measure(args[1], args[2], args[3])
	default:
		err = fmt.Errorf("see the top of main.go for the commands")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%T: %v\n", err, err)
		os.Exit(1)
	}
}

func version() {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/theupdateframework/go-tuf/v2" {
			fmt.Println("go-tuf", module.Version)
		}
	}
}

type answer struct {
	Path   string           `json:"path"`
	Found  bool             `json:"found"`
	Sha256 string           `json:"sha256,omitempty"`
	Custom *json.RawMessage `json:"custom,omitempty"`
}

func read(rootFile, metadataURL, targetsURL, folder string, paths []string) error {
	root, err := os.ReadFile(rootFile)
	if err != nil {
		return err
	}
	settings, err := config.New(metadataURL, root)
	if err != nil {
		return err
	}
	settings.RemoteTargetsURL = targetsURL
	settings.LocalMetadataDir = filepath.Join(folder, "metadata")
	settings.LocalTargetsDir = filepath.Join(folder, "targets")
	if err := settings.EnsurePathsExist(); err != nil {
		return err
	}
	client, err := updater.New(settings)
	if err != nil {
		return err
	}
	if err := client.Refresh(); err != nil {
		return err
	}
	for _, path := range paths {
		found, err := find(client, path)
		if err != nil {
			return err
		}
		line, err := json.Marshal(found)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}

func find(client *updater.Updater, path string) (answer, error) {
	info, err := client.GetTargetInfo(path)
	if err != nil {
		// go-tuf has no other sign of a search that ended without a hit.
		if err.Error() == fmt.Sprintf("target %s not found", path) {
			return answer{Path: path}, nil
		}
		return answer{}, err
	}
	_, data, err := client.DownloadTarget(info, "", "")
	if err != nil {
		return answer{}, err
	}
	digest := sha256.Sum256(data)
	return answer{path, true, hex.EncodeToString(digest[:]), info.Custom}, nil
}

func measure(rootFile, targetsFile, rounds string) error {
	root, err := metadata.Root().FromFile(rootFile)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(targetsFile)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(rounds)
	if err != nil {
		return err
	}
	least := time.Duration(1<<63 - 1)
	for range count {
		start := time.Now()
		targets, err := metadata.Targets().FromBytes(data)
		if err != nil {
			return err
		}
		if err := root.VerifyDelegate("targets", targets); err != nil {
			return err
		}
		least = min(least, time.Since(start))
	}
	fmt.Println(float64(least.Microseconds()) / 1000)
	return nil
}
