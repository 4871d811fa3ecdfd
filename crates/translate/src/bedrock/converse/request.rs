//! A request, said in the words of Converse.
