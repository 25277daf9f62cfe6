//! The words that tell the two speakers apart. The grammar fills its wordings
//! from here and the judge looks for the same words.

/// The name of the assistant.
pub const ASSISTANT_NAME: &str = "Pebble";

/// First names of users. None of them is an ordinary word too, apart from its
/// capital letter, because the judge takes a name for a sign of a person.
pub const NAMES: [&str; 56] = [
    "Adam", "Amy", "Anna", "Ben", "Boris", "Carlos", "Clara", "Dan", "Diana", "Ella", "Emma", "Eric", "Eva",
    "Felix", "Fatima", "George", "Greta", "Hugo", "Ian", "Ivan", "Jack", "Jane", "Julia", "Karl", "Kate",
    "Lena", "Leo", "Lucy", "Luis", "Maria", "Martin", "Max", "Mei", "Nina", "Noah", "Nora", "Olga", "Omar",
    "Paul", "Peter", "Raj", "Robert", "Rosa", "Ruth", "Sam", "Sara", "Sofia", "Simon", "Tina", "Thomas",
    "Tom", "Victor", "Yara", "Yuki", "Zoe", "Emil",
];

/// Jobs and where they are done. All of them go with the article "a".
pub const JOBS: [(&str, &str); 28] = [
    ("baker", "a small bakery"),
    ("teacher", "a school"),
    ("nurse", "a hospital"),
    ("farmer", "a farm"),
    ("driver", "a bus company"),
    ("painter", "a little studio"),
    ("carpenter", "a workshop"),
    ("cook", "a restaurant"),
    ("plumber", "a small company"),
    ("gardener", "a big park"),
    ("tailor", "a little shop"),
    ("dentist", "a clinic"),
    ("waiter", "a cafe"),
    ("sailor", "a ship"),
    ("student", "a university"),
    ("librarian", "a library"),
    ("mechanic", "a garage"),
    ("musician", "a theater"),
    ("lawyer", "a law office"),
    ("builder", "a building site"),
    ("barber", "a barber shop"),
    ("butcher", "a butcher shop"),
    ("doctor", "a hospital"),
    ("florist", "a flower shop"),
    ("pilot", "a small airport"),
    ("reporter", "a newspaper"),
    ("fisherman", "a harbor"),
    ("postman", "a post office"),
];

pub const CITIES: [&str; 16] = [
    "Athens", "Berlin", "Boston", "Cairo", "Dublin", "Lima", "Lisbon", "London", "Madrid", "Oslo", "Paris",
    "Prague", "Rome", "Sydney", "Toronto", "Vienna",
];

/// What people like to do, to follow "I like to" as well as "I".
pub const HOBBIES: [&str; 24] = [
    "paint",
    "swim",
    "dance",
    "knit",
    "play chess",
    "play football",
    "play the guitar",
    "play the piano",
    "ride my bike",
    "bake bread",
    "bake cakes",
    "read old books",
    "go fishing",
    "go camping",
    "walk in the woods",
    "run in the park",
    "grow tomatoes",
    "watch birds",
    "watch old movies",
    "cook for friends",
    "climb mountains",
    "sing in a choir",
    "collect stamps",
    "take photos",
];

pub const FAMILY: [&str; 8] = [
    "my family",
    "my wife",
    "my husband",
    "my kids",
    "my mother",
    "my sister",
    "my brother",
    "my friends",
];

/// What troubles people, and what the assistant advises. The advice names no
/// job and no place of work, which would be signs of a person.
pub const PROBLEMS: [(&str, &str); 16] = [
    (
        "my car is broken",
        "let someone look at it and ask for the price first",
    ),
    ("I can not sleep", "drink warm milk and turn off your phone"),
    ("my back hurts", "rest for a day and do not lift heavy things"),
    ("I lost my keys", "look in your coat and under the bed"),
    ("my cat is sick", "call the vet today"),
    (
        "I have too much work",
        "make a short list and start with the first thing",
    ),
    ("my boss is angry with me", "stay calm and talk to him"),
    ("my house is cold", "close the windows and check the heater"),
    ("my phone is dead", "charge it and start it again"),
    ("I am tired", "go to bed early tonight"),
    (
        "my roof leaks",
        "put a bucket there and call someone who can fix it",
    ),
    ("I missed my train", "check the next one and have a coffee"),
    ("my bike was stolen", "tell the police what it looks like"),
    ("my soup is too salty", "put a potato in it and wait"),
    ("my head hurts", "drink some water and close your eyes"),
    ("my neighbor is too loud", "stay calm and talk to him"),
];

/// Words that only people say in this grammar, beyond the lists above.
pub const HUMAN_WORDS: [&str; 11] = [
    "family", "wife", "husband", "kids", "mother", "sister", "brother", "friends", "boss", "born", "grew up",
];

/// Words that only the assistant says in this grammar, beyond its name and
/// "AI".
pub const ASSISTANT_WORDS: [&str; 18] = [
    "assistant",
    "assistants",
    "program",
    "computer",
    "philosophers",
    "questions",
    "answer",
    "answers",
    "explain",
    "I can help",
    "I will help",
    "help you",
    "help people",
    "help others",
    "helps people",
    "helping you",
    "helping people",
    "helping others",
];
