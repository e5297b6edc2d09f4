//===- Weights.cpp - finds and reads a model's weights --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Weights lie in the library's file, in a section that the loader does not load, or in a file beside it. They are read
// into huge pages, which a mapped file does not get: that is worth an eighth of the bandwidth of decode.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"
#include "runtime/src/WeightHash.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sinter::runtime {
namespace {

/// Where the weights are in an open file.
struct Place {
  int file;
  uint64_t offset, fileBytes;
  const char *path;
};

/// Blocks of weights, read and hashed by several threads.
struct Reading {
  Place place;
  char *data;
  uint64_t bytes;
  uint64_t next;    ///< block
  uint64_t *hashes; ///< of blocks, or null
  int error;
};

} // namespace

static bool readAll(int file, void *data, uint64_t bytes, uint64_t offset) {
  char *to = static_cast<char *>(data);
  while (bytes) {
    ssize_t got = pread(file, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      if (got == 0)
        errno = ENODATA;
      return false;
    }
    to += got, offset += static_cast<uint64_t>(got), bytes -= static_cast<uint64_t>(got);
  }
  return true;
}

static bool within(uint64_t offset, uint64_t bytes, uint64_t all) { return offset <= all && bytes <= all - offset; }

/// Finds section `.sinter.weights` of the ELF file, through its section headers.
static int findSection(Place &place, uint64_t weightBytes, char *why) {
  Elf64_Ehdr header;
  if (!readAll(place.file, &header, sizeof header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_shentsize != sizeof(Elf64_Shdr))
    return fail(why, SINTER_ERROR_FILE, "'%s' is not a shared library of this machine", place.path);
  uint64_t tableBytes = static_cast<uint64_t>(header.e_shnum) * sizeof(Elf64_Shdr);
  if (header.e_shstrndx >= header.e_shnum || !within(header.e_shoff, tableBytes, place.fileBytes))
    return fail(why, SINTER_ERROR_CORRUPT, "'%s' is damaged: its section table is outside of the file", place.path);
  Elf64_Shdr *sections = static_cast<Elf64_Shdr *>(malloc(tableBytes));
  if (!sections)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the section table of '%s'", place.path);
  int status = SINTER_ERROR_CORRUPT;
  bool found = false;
  static const char wanted[] = ".sinter.weights";
  if (readAll(place.file, sections, tableBytes, header.e_shoff)) {
    const Elf64_Shdr &names = sections[header.e_shstrndx];
    for (uint32_t i = 0; i < header.e_shnum && !found; ++i) {
      char name[sizeof wanted];
      if (!within(sections[i].sh_name, sizeof name, names.sh_size) ||
          !within(names.sh_offset, names.sh_size, place.fileBytes) ||
          !readAll(place.file, name, sizeof name, names.sh_offset + sections[i].sh_name) ||
          memcmp(name, wanted, sizeof wanted) != 0)
        continue;
      found = true;
      place.offset = sections[i].sh_offset;
      status = sections[i].sh_size >= weightBytes && within(place.offset, weightBytes, place.fileBytes)
                   ? SINTER_OK
                   : fail(why, SINTER_ERROR_CORRUPT, "'%s' is damaged: its weights are cut off", place.path);
    }
  }
  free(sections);
  if (!found)
    return fail(why, SINTER_ERROR_CORRUPT, "'%s' has no section .sinter.weights; was it stripped of it?", place.path);
  return status;
}

static void *readBlocks(void *argument) {
  Reading &reading = *static_cast<Reading *>(argument);
  for (;;) {
    uint64_t block = __atomic_fetch_add(&reading.next, 1, __ATOMIC_RELAXED), at = block * kHashBlock;
    if (at >= reading.bytes || __atomic_load_n(&reading.error, __ATOMIC_RELAXED))
      return nullptr;
    uint64_t bytes = smaller(kHashBlock, reading.bytes - at);
    if (!readAll(reading.place.file, reading.data + at, bytes, reading.place.offset + at))
      __atomic_store_n(&reading.error, errno, __ATOMIC_RELAXED);
    else if (reading.hashes)
      reading.hashes[block] = hashBlock(reading.data + at, bytes);
  }
}

static void readParallel(Reading &reading, uint32_t threads) {
  constexpr uint32_t most = 16;
  uint64_t blocks = (reading.bytes + kHashBlock - 1) / kHashBlock;
  threads = static_cast<uint32_t>(smaller<uint64_t>(smaller(threads, most), blocks));
  pthread_t helpers[most];
  uint32_t started = 0;
  while (started + 1 < threads && pthread_create(&helpers[started], nullptr, readBlocks, &reading) == 0)
    ++started;
  readBlocks(&reading);
  for (uint32_t i = 0; i < started; ++i)
    pthread_join(helpers[i], nullptr);
}

static int mapWeights(Model &model, const Place &place, char *why) {
  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE)), start = place.offset / page * page;
  uint64_t bytes = place.offset - start + model.program.header->weightBytes;
  void *mapping = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, place.file, static_cast<off_t>(start));
  if (mapping == MAP_FAILED)
    return fail(why, SINTER_ERROR_MEMORY, "cannot map the weights of '%s': %s", place.path, strerror(errno));
  model.mapped = static_cast<char *>(mapping) + (place.offset - start);
  model.mappedBytes = bytes;
  return SINTER_OK;
}

static int readWeights(Model &model, const Place &place, uint64_t *hashes, uint32_t threads, char *why) {
  uint64_t bytes = model.program.header->weightBytes;
  model.weights = allocate(model.allocator, bytes);
  if (!model.weights.data)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for %llu MB of weights",
                static_cast<unsigned long long>(bytes >> 20));
  Reading reading = {place, model.weights.data, bytes, 0, hashes, 0};
  readParallel(reading, threads ? threads : smaller(processorCount(), 8u));
  if (reading.error)
    return fail(why, SINTER_ERROR_FILE, "cannot read the weights of '%s': %s", place.path, strerror(reading.error));
  // The copy in memory is the one that is used from now on: the file's pages would only displace others.
  posix_fadvise(place.file, static_cast<off_t>(place.offset), static_cast<off_t>(bytes), POSIX_FADV_DONTNEED);
  return SINTER_OK;
}

static int loadFrom(Model &model, const Place &place, bool sidecar, uint32_t threads, char *why) {
  const Header &header = *model.program.header;
  bool map = getenv("SINTER_MAP_WEIGHTS");
  uint64_t blocks = (header.weightBytes + kHashBlock - 1) / kHashBlock;
  uint64_t *hashes = sidecar && !map ? static_cast<uint64_t *>(calloc(blocks, sizeof(uint64_t))) : nullptr;
  if (sidecar && !map && !hashes)
    return fail(why, SINTER_ERROR_MEMORY, "no memory to read '%s'", place.path);
  int status = map ? mapWeights(model, place, why) : readWeights(model, place, hashes, threads, why);
  if (!status && sidecar) {
    uint64_t hash = header.weightBytes;
    if (map)
      hash = hashWeights(model.mapped, header.weightBytes);
    else
      for (uint64_t i = 0; i < blocks; ++i)
        hash = hashCombine(hash, hashes[i]);
    if (hash != header.weightHash)
      status = fail(why, SINTER_ERROR_CORRUPT, "'%s' holds other weights than those the model was compiled with",
                    place.path);
  }
  free(hashes);
  return status;
}

/// The sidecar's path: beside the library.
static char *besideLibrary(const char *library, const char *name) {
  const char *slash = strrchr(library, '/');
  size_t folder = slash ? static_cast<size_t>(slash + 1 - library) : 0;
  char *path = static_cast<char *>(malloc(folder + strlen(name) + 1));
  if (path) {
    memcpy(path, library, folder);
    strcpy(path + folder, name);
  }
  return path;
}

int loadWeights(Model &model, const char *path, const sinter_open_options &options, char *why) {
  const Header &header = *model.program.header;
  if (!header.weightBytes)
    return SINTER_OK;
  Dl_info self;
  if (!path && dladdr(model.program.header, &self))
    path = self.dli_fname;
  if (!path && !options.weights)
    return fail(why, SINTER_ERROR_FILE, "the model's own file is not known, so its weights cannot be read");

  const sinter_meta *meta = sinter_find_meta(&model, "sidecar");
  bool sidecar = options.weights || meta;
  char *beside = meta && !options.weights ? besideLibrary(path, meta->value) : nullptr;
  if (meta && !options.weights && !beside)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the path of the weights");
  Place place = {-1, 0, 0, options.weights ? options.weights : beside ? beside : path};
  place.file = open(place.path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  int status;
  if (place.file < 0 || fstat(place.file, &info) != 0) {
    status = fail(why, SINTER_ERROR_FILE, "cannot open '%s', which has the model's weights: %s", place.path,
                  strerror(errno));
  } else {
    place.fileBytes = static_cast<uint64_t>(info.st_size);
    if (!sidecar)
      status = findSection(place, header.weightBytes, why);
    else if (place.fileBytes < header.weightBytes)
      status =
          fail(why, SINTER_ERROR_CORRUPT, "'%s' is too short: it has %llu of %llu bytes of weights", place.path,
               static_cast<unsigned long long>(place.fileBytes), static_cast<unsigned long long>(header.weightBytes));
    else
      status = SINTER_OK;
    if (!status)
      status = loadFrom(model, place, sidecar, options.threads, why);
  }
  if (place.file >= 0)
    close(place.file);
  free(beside);
  return status;
}

void unloadWeights(Model &model) {
  if (model.mapped) {
    uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE)), address = reinterpret_cast<uint64_t>(model.mapped);
    munmap(reinterpret_cast<void *>(address / page * page), model.mappedBytes);
  }
  release(model.allocator, model.weights);
}

} // namespace sinter::runtime
