//! The table of all functions, sorted by name.

use super::Kind::{
    Any, Bool, Bools, List, Number, Numbers, Set, String, StringLists, StringSet, Strings,
};
use super::Returns::{Computed, Fixed};
use super::{
    Function, Marks, cidr, collection, csv, dates, encoding, files, format, hashes, meta, numeric,
    rsa, sets, text, yaml_read, yaml_write,
};

impl Function {
    /// The last parameter takes any number of arguments.
    const fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    /// Arguments from `index` on may be null.
    const fn nulls(mut self, index: usize) -> Self {
        self.nulls_from = index;
        self
    }

    /// It looks at unknown arguments itself.
    const fn unknowns(mut self) -> Self {
        self.takes_unknown = true;
        self
    }

    /// Marks on elements stay on them.
    const fn elements(mut self) -> Self {
        self.marks = Marks::Elements;
        self
    }

    /// It sees to marks itself.
    const fn own(mut self) -> Self {
        self.marks = Marks::Own;
        self
    }
}

/// Reads the type of a result: a kind, or in parentheses a function that computes it.
macro_rules! returns {
    (($compute:path)) => {
        Computed($compute)
    };
    ($kind:ident) => {
        Fixed($kind)
    };
}

/// Reads the table. Without further words a function takes no null, is unknown when an argument is,
/// and sensitive when any part of one is.
macro_rules! functions {
    ($(
        #[doc = $doc:literal]
        $name:ident($($parameter:ident: $kind:ident),*) -> $returns:tt
            = $run:path $(, $word:ident$(($value:literal))?)*;
    )*) => {
        pub(super) static FUNCTIONS: &[Function] = &[$(
            Function {
                name: stringify!($name),
                parameters: &[$(stringify!($parameter)),*],
                variadic: false,
                doc: $doc.trim_ascii(),
                kinds: &[$($kind),*],
                returns: returns!($returns),
                nulls_from: usize::MAX,
                takes_unknown: false,
                marks: Marks::Whole,
                run: $run,
            }
            $(.$word($($value)?))*
        ),*];
    };
}

functions! {
    /// Returns the distance of a number from zero.
    abs(num: Number) -> Number = numeric::abs;
    /// Makes a path absolute, from the working directory.
    abspath(path: String) -> String = files::abspath;
    /// Says whether all elements are true; an empty list is.
    alltrue(list: Bools) -> Bool = collection::alltrue, unknowns;
    /// Says whether any element is true.
    anytrue(list: Bools) -> Bool = collection::anytrue, unknowns;
    /// Decodes Base64 to a string in UTF-8.
    base64decode(str: String) -> String = encoding::base64decode;
    /// Encodes the UTF-8 bytes of a string as Base64.
    base64encode(str: String) -> String = encoding::base64encode;
    /// Decodes Base64 and decompresses gzip to a string.
    base64gunzip(str: String) -> String = encoding::base64gunzip;
    /// Compresses a string with gzip and encodes it as Base64.
    base64gzip(str: String) -> String = encoding::base64gzip;
    /// Returns the SHA-256 hash of a string in Base64.
    base64sha256(str: String) -> String = hashes::base64sha256;
    /// Returns the SHA-512 hash of a string in Base64.
    base64sha512(str: String) -> String = hashes::base64sha512;
    /// Returns the last part of a path.
    basename(path: String) -> String = files::basename;
    /// Hashes a password with bcrypt; known only after apply.
    bcrypt(str: String, cost: Number) -> String = hashes::bcrypt, variadic;
    /// Rounds up to a whole number.
    ceil(num: Number) -> Number = numeric::ceil;
    /// Removes line ends from the end of a string.
    chomp(str: String) -> String = text::chomp;
    /// Splits a list into lists of a given size.
    chunklist(list: List, size: Number) -> (collection::first_type)
        = collection::chunklist, unknowns, elements;
    /// Says whether a network contains an address or a network.
    cidrcontains(containing_prefix: String, contained_ip_or_prefix: String) -> Bool
        = cidr::cidrcontains;
    /// Returns the address of a numbered host of a network; negative numbers count from the end.
    cidrhost(prefix: String, hostnum: Number) -> String = cidr::cidrhost;
    /// Returns the mask of an IPv4 network.
    cidrnetmask(prefix: String) -> String = cidr::cidrnetmask;
    /// Returns a numbered subnet of a network.
    cidrsubnet(prefix: String, newbits: Number, netnum: Number) -> String = cidr::cidrsubnet;
    /// Returns consecutive subnets of a network, each longer by so many bits.
    cidrsubnets(prefix: String, newbits: Number) -> Strings = cidr::cidrsubnets, variadic;
    /// Returns the first argument that is neither null nor an empty string.
    coalesce(vals: Any) -> (collection::common_type)
        = collection::coalesce, variadic, nulls(0), unknowns;
    /// Returns the first list that is not empty.
    coalescelist(vals: Any) -> (collection::common_type)
        = collection::coalescelist, variadic, nulls(0), unknowns;
    /// Removes nulls and empty strings from a list.
    compact(list: Strings) -> Strings = collection::compact;
    /// Joins lists to one.
    concat(seqs: Any) -> Any = collection::concat, variadic, unknowns, elements;
    /// Says whether a list, tuple or set has a value.
    contains(list: Any, value: Any) -> Bool = collection::contains, unknowns;
    /// Reads comma-separated values with a header line as a list of objects.
    csvdecode(str: String) -> (csv::result_type) = csv::csvdecode;
    /// Returns a path without its last part.
    dirname(path: String) -> String = files::dirname;
    /// Removes repeated elements from a list.
    distinct(list: List) -> (collection::first_type) = collection::distinct;
    /// Returns an element by its index, which wraps around; negative ones count from the end.
    element(list: Any, index: Number) -> Any = collection::element, unknowns, elements;
    /// Says whether a string ends with another.
    endswith(str: String, suffix: String) -> Bool = text::endswith;
    /// Replaces ephemeral values by null; natform has none, so it returns its argument.
    ephemeralasnull(value: Any) -> Any = meta::identity, nulls(0), unknowns, elements;
    /// Reads a file in UTF-8.
    file(path: String) -> String = files::file;
    /// Reads a file as Base64.
    filebase64(path: String) -> String = files::filebase64;
    /// Returns the SHA-256 hash of a file in Base64.
    filebase64sha256(path: String) -> String = hashes::filebase64sha256;
    /// Returns the SHA-512 hash of a file in Base64.
    filebase64sha512(path: String) -> String = hashes::filebase64sha512;
    /// Says whether there is a file at a path.
    fileexists(path: String) -> Bool = files::fileexists;
    /// Returns the MD5 hash of a file in hexadecimal.
    filemd5(path: String) -> String = hashes::filemd5;
    /// Finds the files below a directory whose paths match a pattern.
    fileset(path: String, pattern: String) -> StringSet = files::fileset;
    /// Returns the SHA-1 hash of a file in hexadecimal.
    filesha1(path: String) -> String = hashes::filesha1;
    /// Returns the SHA-256 hash of a file in hexadecimal.
    filesha256(path: String) -> String = hashes::filesha256;
    /// Returns the SHA-512 hash of a file in hexadecimal.
    filesha512(path: String) -> String = hashes::filesha512;
    /// Replaces lists inside a list by their elements.
    flatten(list: Any) -> Any = collection::flatten, unknowns, elements;
    /// Rounds down to a whole number.
    floor(num: Number) -> Number = numeric::floor;
    /// Writes values into a string by verbs such as `%s` and `%05d`.
    format(format: String, args: Any) -> String = format::format, variadic, nulls(1);
    /// Writes a timestamp by letters such as `YYYY-MM-DD`.
    formatdate(format: String, time: String) -> String = dates::formatdate;
    /// Formats once for each element of the lists among its arguments.
    formatlist(format: String, args: Any) -> Strings = format::formatlist, variadic, unknowns;
    /// Indents all lines of a string but the first.
    indent(spaces: Number, str: String) -> String = text::indent;
    /// Returns the index of a value in a list.
    index(list: Any, value: Any) -> Number = collection::index, unknowns;
    /// Says whether a value is marked as sensitive.
    issensitive(value: Any) -> Bool = meta::issensitive, nulls(0), unknowns, own;
    /// Joins the strings of lists with a separator.
    join(separator: String, lists: Strings) -> String = text::join, variadic;
    /// Reads a string as JSON.
    jsondecode(str: String) -> Any = encoding::jsondecode;
    /// Writes a value as JSON.
    jsonencode(val: Any) -> String = encoding::jsonencode, nulls(0);
    /// Returns the keys of a map or the names of an object's attributes, sorted.
    keys(inputMap: Any) -> (collection::keys_type) = collection::keys, unknowns, elements;
    /// Returns the number of elements, or of characters of a string.
    length(value: Any) -> Number = collection::length, unknowns, elements;
    /// Is no more; write `tolist([…])`.
    list(vals: Any) -> Any = meta::list, variadic, nulls(0), unknowns;
    /// Returns a logarithm.
    log(num: Number, base: Number) -> Number = numeric::log;
    /// Returns an element of a map by its key, or a default.
    lookup(inputMap: Any, key: String, default: Any) -> Any
        = collection::lookup, variadic, nulls(2), unknowns, elements;
    /// Turns letters into small ones.
    lower(str: String) -> String = text::lower;
    /// Is no more; write `tomap({…})`.
    map(vals: Any) -> Any = meta::map, variadic, nulls(0), unknowns;
    /// Returns the values whose keys are in a list.
    matchkeys(values: List, keys: List, searchset: List) -> (collection::first_type)
        = collection::matchkeys;
    /// Returns the largest number.
    max(numbers: Number) -> Number = numeric::max, variadic;
    /// Returns the MD5 hash of a string in hexadecimal.
    md5(str: String) -> String = hashes::md5;
    /// Joins maps or objects; later ones win.
    merge(maps: Any) -> Any = collection::merge, variadic, nulls(0), unknowns, elements;
    /// Returns the smallest number.
    min(numbers: Number) -> Number = numeric::min, variadic;
    /// Removes the mark of a sensitive value.
    nonsensitive(value: Any) -> Any = meta::nonsensitive, nulls(0), unknowns, own;
    /// Returns the only element, or null if there is none.
    one(list: Any) -> (collection::element_type) = collection::one, unknowns;
    /// Reads a whole number in a base from 2 to 62.
    parseint(number: Any, base: Number) -> Number = numeric::parseint;
    /// Replaces a `~` at the start of a path by the home directory.
    pathexpand(path: String) -> String = files::pathexpand;
    /// Returns the time of the plan.
    plantimestamp() -> String = dates::plantimestamp;
    /// Raises a number to a power.
    pow(num: Number, power: Number) -> Number = numeric::pow;
    /// Returns the numbers from a start to before an end, by a step.
    range(params: Number) -> Numbers = collection::range, variadic;
    /// Returns the first match of a pattern, or its groups.
    regex(pattern: String, string: String) -> (text::regex_type) = text::regex;
    /// Returns all matches of a pattern.
    regexall(pattern: String, string: String) -> (text::regexall_type) = text::regexall;
    /// Replaces all occurrences of a string, or of a pattern between slashes.
    replace(str: String, substr: String, replace: String) -> String = text::replace;
    /// Turns the order of a list around.
    reverse(list: Any) -> (collection::reversed_type) = collection::reverse, unknowns, elements;
    /// Decrypts a text in Base64 with an RSA private key in PEM.
    rsadecrypt(ciphertext: String, privatekey: String) -> String = rsa::rsadecrypt;
    /// Marks a value as sensitive.
    sensitive(value: Any) -> Any = meta::sensitive, nulls(0), unknowns, elements;
    /// Returns the elements that all sets have.
    setintersection(first_set: Set, other_sets: Set) -> (sets::common_type)
        = sets::setintersection, variadic;
    /// Returns all combinations of one element of each set.
    setproduct(sets: Any) -> Any = sets::setproduct, variadic, unknowns, elements;
    /// Returns the elements of the first set that the second has not.
    setsubtract(a: Set, b: Set) -> (sets::common_type) = sets::setsubtract;
    /// Returns the elements that any of the sets has.
    setunion(first_set: Set, other_sets: Set) -> (sets::common_type) = sets::setunion, variadic;
    /// Returns the SHA-1 hash of a string in hexadecimal.
    sha1(str: String) -> String = hashes::sha1;
    /// Returns the SHA-256 hash of a string in hexadecimal.
    sha256(str: String) -> String = hashes::sha256;
    /// Returns the SHA-512 hash of a string in hexadecimal.
    sha512(str: String) -> String = hashes::sha512;
    /// Returns -1, 0 or 1 by the sign of a whole number.
    signum(num: Number) -> Number = numeric::signum;
    /// Returns the elements from an index to before another.
    slice(list: Any, start_index: Number, end_index: Number) -> Any
        = collection::slice, unknowns, elements;
    /// Sorts strings by their characters' codes.
    sort(list: Strings) -> Strings = collection::sort;
    /// Splits a string at a separator.
    split(separator: String, str: String) -> Strings = text::split;
    /// Says whether a string starts with another.
    startswith(str: String, prefix: String) -> Bool = text::startswith;
    /// Says whether a string contains another.
    strcontains(str: String, substr: String) -> Bool = text::strcontains;
    /// Turns the order of the characters of a string around.
    strrev(str: String) -> String = text::strrev;
    /// Returns a part of a string; negative offsets count from the end, negative lengths go to it.
    substr(str: String, offset: Number, length: Number) -> String = text::substr;
    /// Adds the numbers of a list.
    sum(list: Any) -> Number = numeric::sum;
    /// Decodes Base64 and then a character encoding.
    textdecodebase64(source: String, encoding: String) -> String = encoding::textdecodebase64;
    /// Encodes a string in a character encoding and then as Base64.
    textencodebase64(string: String, encoding: String) -> String = encoding::textencodebase64;
    /// Adds a duration such as `1h30m` to a timestamp.
    timeadd(timestamp: String, duration: String) -> String = dates::timeadd;
    /// Compares timestamps: -1, 0 or 1.
    timecmp(timestamp_a: String, timestamp_b: String) -> Number = dates::timecmp;
    /// Returns the present time; known only after apply.
    timestamp() -> String = dates::timestamp;
    /// Turns the first letter of each word into a capital.
    title(str: String) -> String = text::title;
    /// Converts to a truth value.
    tobool(v: Any) -> Bool = meta::tobool, nulls(0), unknowns, elements;
    /// Converts to a list.
    tolist(v: Any) -> Any = meta::tolist, nulls(0), unknowns, elements;
    /// Converts to a map.
    tomap(v: Any) -> Any = meta::tomap, nulls(0), unknowns, elements;
    /// Converts to a number.
    tonumber(v: Any) -> Number = meta::tonumber, nulls(0), unknowns, elements;
    /// Converts to a set.
    toset(v: Any) -> Any = meta::toset, nulls(0), unknowns, elements;
    /// Converts to a string.
    tostring(v: Any) -> String = meta::tostring, nulls(0), unknowns, elements;
    /// Swaps keys and values of a map of lists of strings.
    transpose(values: StringLists) -> StringLists = collection::transpose;
    /// Removes characters of a set from both ends of a string.
    trim(str: String, cutset: String) -> String = text::trim;
    /// Removes a prefix from a string.
    trimprefix(str: String, prefix: String) -> String = text::trimprefix;
    /// Removes white space from both ends of a string.
    trimspace(str: String) -> String = text::trimspace;
    /// Removes a suffix from a string.
    trimsuffix(str: String, suffix: String) -> String = text::trimsuffix;
    /// Turns letters into capitals.
    upper(str: String) -> String = text::upper;
    /// Decodes what `urlencode` encodes.
    urldecode(str: String) -> String = encoding::urldecode;
    /// Encodes a string for the query of a URL.
    urlencode(str: String) -> String = encoding::urlencode;
    /// Returns a random identifier; known only after apply.
    uuid() -> String = hashes::uuid;
    /// Returns the identifier that follows from a namespace and a name.
    uuidv5(namespace: String, name: String) -> String = hashes::uuidv5;
    /// Returns the values of a map or object in the order of their keys.
    values(mapping: Any) -> Any = collection::values, unknowns, elements;
    /// Reads a string as YAML.
    yamldecode(src: String) -> Any = yaml_read::yamldecode;
    /// Writes a value as YAML.
    yamlencode(value: Any) -> String = yaml_write::yamlencode, nulls(0);
    /// Makes a map of a list of keys and a list of values.
    zipmap(keys: Strings, values: Any) -> Any = collection::zipmap, unknowns, elements;
}
